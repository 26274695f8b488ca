import { setTimeout as wait } from 'node:timers/promises';
import type { EndSignal, ServerProcess } from './server-process.ts';

/** A real server on a port of its own, to which a test may do what befalls servers. What it stored outlives a stop. */
export interface Server {
  readonly port: number;
  /** Ends it, in peace unless told otherwise. */
  stop(signal?: EndSignal): Promise<void>;
  /** Starts it again after a stop. Resolves when it is at work. */
  start(): Promise<void>;
  restart(signal?: EndSignal): Promise<void>;
  /** Makes it accept and say nothing for so many milliseconds. Resolves when it goes on. */
  pause(ms: number): Promise<void>;
  /** Ends it, and removes what it stored. */
  close(): Promise<void>;
}

/**
 * Starts a server.
 *
 * @param launch runs it, at first and after each stop
 * @param remove removes what it stored
 */
export async function startServer(
  port: number,
  launch: () => Promise<ServerProcess>,
  remove: () => Promise<void>,
): Promise<Server> {
  let running: ServerProcess | undefined = await launch();
  async function stop(signal: EndSignal = 'SIGTERM'): Promise<void> {
    await running?.end(signal);
    running = undefined;
  }
  async function start(): Promise<void> {
    running ??= await launch();
  }
  return {
    port,
    stop,
    start,
    async restart(signal) {
      await stop(signal);
      await start();
    },
    async pause(ms) {
      running?.signal('SIGSTOP');
      await wait(ms);
      running?.signal('SIGCONT');
    },
    async close() {
      await stop();
      await remove();
    },
  };
}
