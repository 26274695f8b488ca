/** A process of Node that was started with `--inspect` and `--expose-gc`. */
export interface Inspector {
  /**
   * Has V8 make a full collection. Resolves when that is done.
   *
   * It is the one that V8 makes by itself. The protocol's own `HeapProfiler.collectGarbage` is the one for want of memory:
   * it takes the young generation down to a few pages, which then grow again.
   */
  collectGarbage(): Promise<void>;
  close(): void;
}

/** Connects to a process by the Chrome DevTools Protocol. */
export async function openInspector(port: number): Promise<Inspector> {
  const listed = await fetch(`http://127.0.0.1:${port}/json/list`);
  const [target]: { webSocketDebuggerUrl: string }[] = JSON.parse(await listed.text());
  if (target === undefined) throw new Error(`nothing can be inspected on port ${port}`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  const waiting = new Map<number, { done(): void; failed(reason: Error): void }>();
  let lastId = 0;
  socket.addEventListener('message', ({ data }) => {
    const { id, result }: { id: number; result?: { exceptionDetails?: object } } = JSON.parse(String(data));
    const asked = waiting.get(id);
    waiting.delete(id);
    if (result !== undefined && result.exceptionDetails === undefined) asked?.done();
    else asked?.failed(new Error(`no collection of garbage: ${data}`));
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error(`no inspector on port ${port}`)));
  });
  return {
    collectGarbage() {
      lastId += 1;
      const id = lastId;
      return new Promise((done, failed) => {
        waiting.set(id, { done, failed });
        socket.send(JSON.stringify({ id, method: 'Runtime.evaluate', params: { expression: 'gc()' } }));
      });
    },
    close: () => socket.close(),
  };
}
