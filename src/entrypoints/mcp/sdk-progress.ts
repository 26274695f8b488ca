import type { ServerContext } from '@modelcontextprotocol/server';
import { startProgress } from './progress.ts';

/** Tells the client from time to time that its call is still under way, if it asked for that. Gives the end of it. */
export function notifyProgress({ mcpReq }: ServerContext): () => void {
  const progressToken = mcpReq._meta?.progressToken;
  if (progressToken === undefined) return () => undefined;
  return startProgress(({ progress, message }) => {
    const params = { progressToken, progress, message };
    // Who no longer listens needs no progress; the call itself ends by its signal.
    mcpReq.notify({ method: 'notifications/progress', params }).catch(() => undefined);
  });
}
