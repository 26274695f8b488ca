import ipaddr from 'ipaddr.js';
import { isLoopbackHost } from '../lib/loopback.ts';
import { hostOf } from './host.ts';

export interface ProxyOptions {
  /** The proxy for http: servers. */
  readonly httpProxy?: URL | undefined;
  /** The proxy for https: servers. */
  readonly httpsProxy?: URL | undefined;
  /**
   * Who is reached without a proxy, with commas between: `*`, a name (which stands for the names under it too),
   * `.name` or `*.name` (only those under it), an address, a range such as 10.0.0.0/8; each but a range may have a port.
   */
  readonly noProxy?: string | undefined;
}

/**
 * Makes the choice of a proxy, by the rules of Go's httpproxy: this machine itself is never reached through one.
 *
 * @returns gives the proxy for a server, or undefined for the direct way
 */
export function createProxyChoice(options: ProxyOptions): (url: URL) => URL | undefined {
  const exceptions = (options.noProxy ?? '')
    .split(/[\s,]+/)
    .filter((entry) => entry !== '')
    .map(readException);
  return (url) => {
    const proxy = url.protocol === 'https:' ? options.httpsProxy : options.httpProxy;
    if (proxy === undefined) return undefined;
    const { name, port } = hostOf(url);
    return isLoopbackHost(name) || exceptions.some((excepts) => excepts(name, port)) ? undefined : proxy;
  };
}

type Exception = (name: string, port: number) => boolean;

function readException(entry: string): Exception {
  if (ipaddr.isValidCIDR(entry)) {
    const [network, bits] = ipaddr.parseCIDR(entry);
    return (name) => {
      if (!ipaddr.isValid(name)) return false;
      const address = ipaddr.process(name);
      return address.kind() === network.kind() && address.match(network, bits);
    };
  }
  const [, host = '', port] = /^(\[.*\]|[^:]*)(?::(\d+))?$/.exec(entry) ?? [undefined, entry];
  const isName = nameCheck(host.toLowerCase().replace(/^\[(.*)\]$/, '$1'));
  return (name, at) => isName(name) && (port === undefined || at === Number(port));
}

function nameCheck(host: string): (name: string) => boolean {
  if (host === '*') return () => true;
  const under = host.replace(/^\*?(?=\.)/, '');
  if (under.startsWith('.')) return (name) => name.endsWith(under);
  return (name) => name === host || name.endsWith(`.${host}`);
}
