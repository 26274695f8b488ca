import { randomUUID } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import type { Server } from '@modelcontextprotocol/server';
import { StdioServerTransport, serveStdio } from '@modelcontextprotocol/server/stdio';
import { anonymousCaller } from '../../contracts/caller.ts';
import type { Logger } from '../../contracts/logger.ts';
import { createSdkServer, type ServerIdentity } from './sdk-server.ts';
import type { ToolHost } from './tool-host.ts';

export interface StdioOptions {
  readonly host: ToolHost;
  readonly identity: ServerIdentity;
  readonly logger: Logger;
  readonly onChange: (listener: () => void) => () => void;
  readonly stdin: Readable;
  readonly stdout: Writable;
  /** The largest message, in bytes. */
  readonly messageLimit: number;
}

/** MCP over the two pipes of this process. */
export interface StdioConnection {
  /** Resolves when the client has closed its end, or has sent what cannot be read. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

/**
 * Serves one client that has started this process, in whichever revision it opens with. Who can start a process has
 * shown all the credentials there are.
 */
export function serveMcpOverStdio(options: StdioOptions): StdioConnection {
  const { host, identity, logger, onChange, stdin, stdout, messageLimit } = options;
  // At debug, since the SDK's words may quote the message.
  const onerror = (err: Error) => logger.debug({ err }, 'mcp_message_refused');
  let serving: Server | undefined;
  const transport = new StdioServerTransport(stdin, stdout, { maxBufferSize: messageLimit });
  const handle = serveStdio(
    () => {
      // A client that only asked what there is gets a second server when it opens with another revision.
      serving = createSdkServer(host, identity, () => ({
        caller: anonymousCaller,
        requestId: randomUUID(),
        traceparent: undefined,
        cacheDirective: 'default',
        resultUrl: undefined,
      }));
      return serving;
    },
    { transport, onerror },
  );
  const closed = new Promise<void>((resolve) => {
    const endServing = transport.onclose;
    transport.onclose = () => {
      endServing?.();
      resolve();
    };
  });
  const stopListening = onChange(() => {
    serving?.sendToolListChanged().catch(onerror);
  });
  return {
    closed,
    async close() {
      stopListening();
      await handle.close();
    },
  };
}
