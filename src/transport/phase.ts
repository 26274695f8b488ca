import { once } from 'node:events';
import type { Socket } from 'node:net';
import { SkillgateError } from '../contracts/errors.ts';
import { linkedController } from '../lib/abort.ts';

/** A part of opening a connection that has a limit of its own. */
export type PhaseName = 'connect' | 'TLS';

/**
 * Runs one phase under its limit.
 *
 * @param limitMs milliseconds
 * @param work gets the signal that ends it
 * @throws SkillgateError `upstream_timeout` that names the phase, the signal's reason, or what the work throws
 */
export async function withinPhase<Result>(
  phase: PhaseName,
  limitMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const { controller, unlink } = linkedController(signal);
  const timer = setTimeout(() => {
    const detail = `The model server did not answer in the ${phase} phase within ${limitMs} ms (${phase.toLowerCase()}_ms).`;
    controller.abort(new SkillgateError('upstream_timeout', detail, { mayHaveRun: false }));
  }, limitMs);
  try {
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    unlink();
  }
}

/**
 * Waits until the socket tells that it is ready, and destroys it where that does not happen.
 *
 * @param emitter who tells, where it is not the socket itself
 * @throws the socket's error, or the signal's reason
 */
export async function untilOpen(
  socket: Socket,
  event: string,
  signal: AbortSignal,
  emitter: NodeJS.EventEmitter = socket,
): Promise<unknown[]> {
  // Between two owners nobody else listens, and an error that nobody hears ends the process.
  for (const each of new Set([socket, emitter])) each.on('error', () => undefined);
  try {
    return await once(emitter, event, { signal });
  } catch (error) {
    socket.destroy();
    throw signal.aborted ? signal.reason : error;
  }
}
