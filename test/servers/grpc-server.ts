import { join } from 'node:path';
import {
  type Metadata,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type sendUnaryData,
} from '@grpc/grpc-js';
import { loadSync, type PackageDefinition } from '@grpc/proto-loader';

/** One call as it came. */
export interface GrpcCall {
  readonly method: string;
  /** The message, as the protocol's own definitions read it. */
  readonly request: unknown;
  readonly metadata: Metadata;
  /** Resolves when the client has cancelled the call. */
  readonly cancelled: Promise<unknown>;
}

/** Answers a call; a status other than OK is thrown as GrpcStatus. Undefined never answers. */
export type GrpcHandler = (call: GrpcCall) => Readonly<Record<string, unknown>> | undefined;

export class GrpcStatus extends Error {
  readonly code: number;

  constructor(code: number, details: string) {
    super(details);
    this.code = code;
  }
}

export interface GrpcServer {
  readonly url: string;
  /** Every call, in the order of their coming. */
  readonly calls: readonly GrpcCall[];
  /** Resolves when the next call of this method has come. */
  called(method: string): Promise<GrpcCall>;
  close(): Promise<void>;
}

export interface GrpcServerOptions {
  /** A file of test/servers/proto. */
  readonly proto: string;
  /** The full names of the services, each with its methods. */
  readonly services: Readonly<Record<string, Readonly<Record<string, GrpcHandler>>>>;
  readonly credentials?: ServerCredentials;
}

/** Starts a gRPC server on a free port: grpc-js, which has its own reading of the protocol and of the messages. */
export async function startGrpcServer({
  proto,
  services,
  credentials,
}: GrpcServerOptions): Promise<GrpcServer> {
  const definitions = loadSync(join(import.meta.dirname, 'proto', proto), {
    keepCase: true,
    longs: String,
    enums: String,
    defaults: true,
    arrays: true,
  });
  const server = new Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 });
  const calls: GrpcCall[] = [];
  const waiters: [method: string, tell: (call: GrpcCall) => void][] = [];

  const answer = (method: string, handler: GrpcHandler) => {
    return (incoming: ServerUnaryCall<unknown, unknown>, reply: sendUnaryData<unknown>) => {
      const call: GrpcCall = {
        method,
        request: incoming.request,
        metadata: incoming.metadata,
        cancelled: new Promise((resolve) => incoming.once('cancelled', () => resolve(undefined))),
      };
      calls.push(call);
      for (const [wanted, tell] of waiters.splice(0)) {
        if (wanted === method) tell(call);
        else waiters.push([wanted, tell]);
      }
      try {
        const response = handler(call);
        if (response !== undefined) reply(null, response);
      } catch (error) {
        if (!(error instanceof GrpcStatus)) throw error;
        reply({ code: error.code, details: error.message });
      }
    };
  };

  for (const [name, methods] of Object.entries(services)) {
    const handlers = Object.entries(methods).map(
      ([method, handler]) => [method, answer(method, handler)] as const,
    );
    server.addService(serviceIn(definitions, name), Object.fromEntries(handlers));
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', credentials ?? ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  return {
    url: `grpc${credentials ? 's' : ''}://127.0.0.1:${port}`,
    calls,
    called: (method) => new Promise((resolve) => waiters.push([method, resolve])),
    async close() {
      server.forceShutdown();
    },
  };
}

function serviceIn(definitions: PackageDefinition, name: string): ServiceDefinition {
  const found = definitions[name];
  if (found === undefined || 'format' in found) throw new Error(`there is no service ${name}`);
  return found as ServiceDefinition;
}
