/** A host and a port, as they are dialled. */
export interface Host {
  /** In lower case, without a trailing dot and without brackets. */
  readonly name: string;
  readonly port: number;
}

/** Reads the host of an http: or https: URL, with the scheme's port where the URL has none. */
export function hostOf(url: URL): Host {
  const name = url.hostname.replace(/^\[(.*)\]$/, '$1').replace(/(?<=.)\.$/, '');
  return { name, port: Number(url.port) || (url.protocol === 'https:' ? 443 : 80) };
}
