import type { JsonSchema, JsonValue } from '../../contracts/json.ts';

/** Where images stand in a value, by its schema: here, in members, in items. */
export interface ImagePlaces {
  /** The media type of an image that stands here. */
  readonly mediaType?: string;
  readonly members?: ReadonlyMap<string, ImagePlaces>;
  readonly items?: ImagePlaces;
}

/** An image as MCP carries it. */
export interface Image {
  readonly mediaType: string;
  /** Base64. */
  readonly data: string;
}

/**
 * Finds where a schema says that images stand (`contentMediaType: image/…`, JSON Schema 2020-12, section 8.4).
 *
 * @param schema without references
 */
export function imagePlaces(schema: JsonValue | undefined): ImagePlaces | undefined {
  if (!isSchema(schema)) return undefined;
  const { contentMediaType, properties, items } = schema;
  const members = new Map<string, ImagePlaces>();
  for (const [key, member] of Object.entries(isSchema(properties) ? properties : {})) {
    const places = imagePlaces(member);
    if (places) members.set(key, places);
  }
  const ownItems = imagePlaces(items);
  const own: ImagePlaces = {
    ...(typeof contentMediaType === 'string' &&
      contentMediaType.startsWith('image/') && { mediaType: contentMediaType }),
    ...(members.size > 0 && { members }),
    ...(ownItems && { items: ownItems }),
  };
  const parts = [schema.allOf, schema.anyOf, schema.oneOf].flatMap((list) =>
    Array.isArray(list) ? list : [],
  );
  const all = parts.reduce<ImagePlaces>((places, part) => merge(places, imagePlaces(part)), own);
  return Object.keys(all).length > 0 ? all : undefined;
}

function merge(a: ImagePlaces, b: ImagePlaces | undefined): ImagePlaces {
  if (b === undefined) return a;
  const members = new Map(a.members);
  for (const [key, places] of b.members ?? []) members.set(key, merge(members.get(key) ?? {}, places));
  const items = a.items || b.items ? merge(a.items ?? {}, b.items) : undefined;
  return { ...b, ...a, ...(members.size > 0 && { members }), ...(items && { items }) };
}

/**
 * Takes the images out of a value.
 *
 * @param images where they are put
 * @returns the value with a note in the place of each
 */
export function takeImages(value: JsonValue, places: ImagePlaces, images: Image[]): JsonValue {
  if (typeof value === 'string') {
    const image = places.mediaType === undefined ? undefined : readImage(value, places.mediaType);
    if (image === undefined) return value;
    images.push(image);
    return `(image ${images.length}, ${image.mediaType})`;
  }
  if (Array.isArray(value)) {
    const { items } = places;
    return items ? value.map((item) => takeImages(item, items, images)) : value;
  }
  if (!isSchema(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      const inMember = places.members?.get(key);
      return [key, inMember ? takeImages(member, inMember, images) : member];
    }),
  );
}

/** An image in base64, or in a `data:` URL (RFC 2397), which says its type itself. */
function readImage(text: string, mediaType: string): Image | undefined {
  const [, ownType, data = text] = /^data:(image\/[\w.+-]+);base64,(.*)$/s.exec(text) ?? [];
  const isBase64 = data.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(data);
  return isBase64 ? { mediaType: ownType ?? mediaType, data } : undefined;
}

function isSchema(value: JsonValue | undefined): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
