/** A process of Node that was started with `--inspect`. */
export interface Inspector {
  /** Has V8 collect all garbage there is. Resolves when that is done. */
  collectGarbage(): Promise<void>;
  close(): void;
}

/** Connects to a process by the Chrome DevTools Protocol. */
export async function openInspector(port: number): Promise<Inspector> {
  const listed = await fetch(`http://127.0.0.1:${port}/json/list`);
  const [target]: { webSocketDebuggerUrl: string }[] = JSON.parse(await listed.text());
  if (target === undefined) throw new Error(`nothing can be inspected on port ${port}`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  const waiting = new Map<number, () => void>();
  let lastId = 0;
  socket.addEventListener('message', ({ data }) => {
    const { id }: { id: number } = JSON.parse(String(data));
    waiting.get(id)?.();
    waiting.delete(id);
  });
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve);
    socket.addEventListener('error', () => reject(new Error(`no inspector on port ${port}`)));
  });
  return {
    collectGarbage() {
      lastId += 1;
      const id = lastId;
      return new Promise((resolve) => {
        waiting.set(id, resolve);
        socket.send(JSON.stringify({ id, method: 'HeapProfiler.collectGarbage' }));
      });
    },
    close: () => socket.close(),
  };
}
