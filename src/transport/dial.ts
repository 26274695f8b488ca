import { lookup as systemLookup } from 'node:dns';
import { connect, isIP, type LookupFunction, type Socket } from 'node:net';
import { SkillgateError } from '../contracts/errors.ts';
import { isMetadataAddress } from '../lib/metadata-address.ts';
import { untilOpen } from './phase.ts';

/** Finds the addresses of a host name, as `dns.lookup` does with `all`. */
export type Resolve = (
  hostname: string,
  options: { readonly all: true },
  callback: (error: NodeJS.ErrnoException | null, addresses: { address: string; family: number }[]) => void,
) => void;

export const systemResolve: Resolve = systemLookup;

const peerIdleProbeMs = 60_000;

/**
 * Opens a TCP connection. The addresses that are dialled are the ones that were checked: the name is resolved once,
 * here, so that it cannot mean another machine a moment later (DNS rebinding).
 *
 * @param hostname a name or an address without brackets
 * @throws SkillgateError `upstream_error` for a link-local or metadata address; Node's error; the signal's reason
 */
export async function dial(
  hostname: string,
  port: number,
  resolve: Resolve,
  signal: AbortSignal,
): Promise<Socket> {
  if (isIP(hostname) !== 0 && isMetadataAddress(hostname)) throw refusal(hostname);
  const socket = connect({ host: hostname, port, lookup: checked(resolve) });
  await untilOpen(socket, 'connect', signal);
  return socket.setNoDelay(true).setKeepAlive(true, peerIdleProbeMs);
}

/** A lookup that leaves out what may not be dialled, and fails where nothing else is left. */
function checked(resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) {
        callback(error, []);
        return;
      }
      const allowed = addresses.filter(({ address }) => !isMetadataAddress(address));
      const [first] = allowed;
      if (first === undefined) callback(refusal(hostname), []);
      else if (options.all) callback(null, allowed);
      else callback(null, first.address, first.family);
    });
  };
}

/** The refusal of an address that no model lives at. */
export function refusal(hostname: string): SkillgateError {
  return new SkillgateError('upstream_error', 'Link-local and cloud metadata addresses are never dialled.', {
    cause: new Error(`${hostname} has no other address`),
    mayHaveRun: false,
  });
}
