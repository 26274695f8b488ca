import { isIP, type Socket } from 'node:net';
import {
  connect,
  createSecureContext,
  getCACertificates,
  type SecureContext,
  type TLSSocket,
} from 'node:tls';
import { untilOpen } from './phase.ts';

export interface TlsOptions {
  /** Certificates to trust beside those that Node trusts, PEM. */
  readonly ca?: string | undefined;
  /** The certificate and the key with which the gateway names itself (mTLS), PEM. */
  readonly clientCert?: string | undefined;
  readonly clientKey?: string | undefined;
  /** Takes any certificate. */
  readonly tlsInsecure?: boolean | undefined;
}

/**
 * Agrees on TLS over a connection that stands.
 *
 * @param servername the name that the certificate has to bear: a name or an address
 * @param application what is spoken over it (ALPN, RFC 7301); HTTP/1.1 unless said otherwise
 * @throws Node's TLS error; the signal's reason
 */
export type Handshake = (
  socket: Socket,
  servername: string,
  signal: AbortSignal,
  application?: 'http/1.1' | 'h2',
) => Promise<TLSSocket>;

/**
 * Makes the handshake with one set of certificates.
 *
 * @throws Error from Node where a PEM cannot be read, or the key does not belong to the certificate
 */
export function createHandshake({ ca, clientCert, clientKey, tlsInsecure = false }: TlsOptions): Handshake {
  const makeContext = () =>
    createSecureContext({
      ...(ca !== undefined && { ca: [...getCACertificates('default'), ca] }),
      ...(clientCert !== undefined && { cert: clientCert }),
      ...(clientKey !== undefined && { key: clientKey }),
    });
  // With certificates of its own it is made at once, so that a bad file stops the start. Otherwise it can wait.
  let context: SecureContext | undefined =
    (ca ?? clientCert ?? clientKey) === undefined ? undefined : makeContext();

  return async (socket, servername, signal, application = 'http/1.1') => {
    context ??= makeContext();
    const secured = connect({
      socket,
      host: servername,
      // An address is no server name (RFC 6066, section 3).
      ...(isIP(servername) === 0 && { servername }),
      secureContext: context,
      rejectUnauthorized: !tlsInsecure,
      ALPNProtocols: [application],
    });
    await untilOpen(secured, 'secureConnect', signal);
    return secured;
  };
}
