import type { Client, Dispatcher } from 'undici';
import { SkillgateError } from '../contracts/errors.ts';
import type { UpstreamHeaders, UpstreamRequest, UpstreamResponse } from '../contracts/transport.ts';
import type { Clients } from './clients.ts';
import { exchangeFailure } from './failures.ts';

/**
 * One request on its way: undici calls it as things happen, and the signal when nobody waits any more. A class, since
 * one is made for every attempt.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #request: UpstreamRequest;
  readonly #maxBytes: number;
  readonly #resolve: (response: UpstreamResponse) => void;
  readonly #reject: (error: unknown) => void;
  readonly #clients: Clients;
  /** Lent until undici has done with the request, which an abort may be earlier than. */
  #client: Client | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #begun = false;
  #settled = false;
  #status = 0;
  #headers: UpstreamHeaders = {};
  #chunks: Buffer[] = [];
  #bytes = 0;
  /**
   * The signal aborted. The caller need not wait until the connection is gone. No `handleEvent`: what Node makes of such
   * a listener lives until the next full garbage collection (decision 0021).
   */
  readonly #onAbort = () => {
    this.#fail(this.#request.signal.reason);
    this.#abort();
  };

  /**
   * @param maxBytes the largest body that is taken
   * @param resolve gets the answer, whatever its status
   * @param reject gets a SkillgateError, or the signal's reason
   */
  constructor(
    request: UpstreamRequest,
    maxBytes: number,
    clients: Clients,
    resolve: (response: UpstreamResponse) => void,
    reject: (error: unknown) => void,
  ) {
    this.#request = request;
    this.#maxBytes = maxBytes;
    this.#clients = clients;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  /** Sends the request, as soon as there is a connection. */
  dispatch(options: Dispatcher.DispatchOptions): void {
    this.#request.signal.addEventListener('abort', this.#onAbort);
    this.#client = this.#clients.take();
    this.#client.dispatch(options, this);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // The caller may have left while the request waited for a connection. To throw leaves the connection for others.
    if (this.#settled) throw new Error('Nobody waits for the answer any more.');
    this.#controller = controller;
    this.#request.onSent?.();
  }

  onResponseStarted(): void {
    this.#begun = true;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: UpstreamHeaders,
  ): void {
    this.#request.onProgress?.();
    this.#status = status;
    this.#headers = headers;
    if (Number(headers['content-length']) > this.#maxBytes) this.#refuseSize();
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#request.onProgress?.();
    this.#bytes += chunk.length;
    if (this.#bytes > this.#maxBytes) this.#refuseSize();
    else if (this.#request.onData && this.#status >= 200 && this.#status < 300) this.#handOn(chunk);
    else this.#chunks.push(chunk);
  }

  #handOn(chunk: Buffer): void {
    if (this.#settled) return;
    try {
      this.#request.onData?.(chunk, this.#headers);
    } catch (error) {
      this.#fail(error);
      this.#abort();
    }
  }

  onResponseEnd(): void {
    this.#release();
    if (this.#settled) return;
    this.#settle();
    const [only] = this.#chunks;
    const body = this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks);
    this.#resolve({ status: this.#status, headers: this.#headers, body });
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#release();
    this.#fail(exchangeFailure(error, this.#begun));
  }

  #release(): void {
    if (this.#client) this.#clients.release(this.#client);
    this.#client = undefined;
  }

  #refuseSize(): void {
    this.#fail(
      new SkillgateError(
        'upstream_error',
        `The model server's answer is larger than ${this.#maxBytes} bytes.`,
      ),
    );
    this.#abort();
  }

  #fail(error: unknown): void {
    if (this.#settled) return;
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    this.#settled = true;
    this.#request.signal.removeEventListener('abort', this.#onAbort);
  }

  /** Closes the connection: nothing but that stops a model that is at work. */
  #abort(): void {
    this.#controller?.abort(new Error('Nobody waits for the answer any more.'));
  }
}
