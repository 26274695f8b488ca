/** One HTTP exchange with a model server. */
export interface UpstreamRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | undefined;
  readonly signal: AbortSignal;
  /** Called when the request starts on a connected socket. */
  readonly onSent?: () => void;
  /** Called at the headers and at every piece of the body. */
  readonly onProgress?: () => void;
  /**
   * Gets the pieces of a 2xx body as they come, in place of the answer's `body`, which is empty then. What it throws
   * ends the exchange, and closes the connection.
   */
  readonly onData?: (piece: Buffer, headers: UpstreamHeaders) => void;
}

/** Names in lower case. */
export type UpstreamHeaders = Readonly<Record<string, string | string[] | undefined>>;

export interface UpstreamResponse {
  readonly status: number;
  readonly headers: UpstreamHeaders;
  readonly body: Buffer;
}

/** One unary call over gRPC. */
export interface GrpcRequest {
  /** `grpc://host:port`, or `grpcs://` with TLS. */
  readonly url: URL;
  /** `/package.Service/Method`. */
  readonly method: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** The request message, as Protocol Buffers write it. */
  readonly message: Uint8Array;
  readonly signal: AbortSignal;
  /** Called when the request goes out on a connection. */
  readonly onSent?: () => void;
  /** Called at the headers and at every piece of the answer. */
  readonly onProgress?: () => void;
}

export interface GrpcResponse {
  /** The status code of gRPC; 0 is OK. */
  readonly status: number;
  /** What the server says to a status other than OK. */
  readonly details: string;
  /** The response message; empty where the status is not OK. */
  readonly message: Buffer;
}

/** The way to one skill's model server: connections, credentials, limits. */
export interface Transport {
  /**
   * Sends a request and collects the answer, whatever its status. After a 401 it tries once more, where there are fresh
   * credentials to show.
   *
   * @throws SkillgateError `upstream_timeout` (connect, TLS), `upstream_error` (refused, reset, too large, broken), or
   *   the signal's reason
   */
  exchange(request: UpstreamRequest): Promise<UpstreamResponse>;

  /**
   * Makes a unary call over gRPC, and gives its answer, whatever its status. After UNAUTHENTICATED it tries once more,
   * where there are fresh credentials to show.
   *
   * @throws SkillgateError as `exchange`, or the signal's reason
   */
  call(request: GrpcRequest): Promise<GrpcResponse>;

  /**
   * Opens a connection to the server and closes it again.
   *
   * @throws SkillgateError as `exchange`
   */
  reach(url: URL, signal: AbortSignal): Promise<void>;
}

/** What is presented to a model server. */
export interface CredentialSource {
  /** The value of the `Authorization` header; undefined where nothing is presented. */
  authorization(): string | undefined | Promise<string | undefined>;
  /** Told that the server refused `authorization`. Resolves to whether another try has fresh credentials to show. */
  renew(authorization: string): Promise<boolean>;
}
