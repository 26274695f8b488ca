import { setTimeout as sleep } from 'node:timers/promises';
import type { Background } from './processes.ts';

/**
 * Asks until the answer is 2xx.
 *
 * @param background the process that is to answer; its end ends the waiting
 * @param seconds how long to wait
 * @throws Error where it does not answer in time, or the process has ended
 */
export async function waitFor(url: string, background: Background, seconds = 120): Promise<void> {
  const over = Symbol('over');
  const asking = async (): Promise<typeof over | undefined> => {
    const deadline = performance.now() + seconds * 1000;
    while (performance.now() < deadline) {
      if (await isOk(url)) return undefined;
      await sleep(50);
    }
    return over;
  };
  if ((await Promise.race([asking(), background.failed])) === over) {
    throw new Error(`${new URL(url).pathname} did not answer 200 within ${seconds} s`);
  }
}

async function isOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5000) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // Not listening yet.
    return false;
  }
}

/**
 * Posts JSON.
 *
 * @throws Error with the server's answer, where it refuses
 */
export async function post(url: string, body: object = {}): Promise<void> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${new URL(url).pathname} answered ${response.status}: ${text}`);
}
