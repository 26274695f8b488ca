import { onTestFinished } from 'vitest';
import { definitionOf, type WrittenDefinition } from '../app.ts';
import { after, type Behaviour, json, startModelServer } from '../servers/model-server.ts';
import schemaOfAllKeywords from './__fixtures__/json-schema-2020-12.json' with { type: 'json' };

/** A PNG of one pixel, in base64. */
const pixel =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';

/**
 * Skills that do what the suite's fixture tools do, where a skill can: a text, an image, an error, a slow call, a schema
 * with all keywords, and calls that become tasks.
 */
export async function startConformanceSkills(): Promise<readonly WrittenDefinition[]> {
  const skillOf = async (
    name: string,
    behaviour: Behaviour,
    changes: Readonly<Record<string, unknown>> = {},
  ) => {
    const model = await startModelServer();
    onTestFinished(() => model.close());
    model.always(behaviour);
    return definitionOf(model.url, { name, input_schema: { type: 'object' }, ...changes });
  };
  const compute: Behaviour = (response, request) => {
    const { seconds }: { seconds: number } = JSON.parse(request.body);
    after(seconds * 1000, json('done'))(response, request);
  };
  const text = { output_schema: { type: 'string' } };
  return Promise.all([
    skillOf('test_simple_text', json('This is a simple text response for testing.'), text),
    skillOf('test_image_content', json(pixel), {
      output_schema: { type: 'string', contentEncoding: 'base64', contentMediaType: 'image/png' },
    }),
    skillOf('test_error_handling', json({ error: 'intended' }, { status: 400 }), text),
    skillOf('test_tool_with_progress', after(6000, json('done')), text),
    skillOf('greet', json('Hello!'), text),
    skillOf('slow_compute', compute, text),
    skillOf('failing_job', after(1000, json({ error: 'intended' }, { status: 400 })), text),
    skillOf('confirm_delete', json('deleted'), text),
    skillOf('json_schema_2020_12_tool', json('done'), { ...text, input_schema: schemaOfAllKeywords }),
  ]);
}
