import { isIP } from 'node:net';
import { connect, createSecureContext, type TLSSocket } from 'node:tls';
import { TransportError, transportErrorOf } from '../transport-error.ts';
import { closedByServer, connectOptions } from './open-wire.ts';
import type { Dial, Endpoint, Wire, WireEvents } from './wire.ts';

/** What TLS needs to know; certificates and keys are PEM text. */
export interface TlsMaterial {
  /** Authorities to trust in place of the system's. */
  readonly ca?: string | undefined;
  /** The client's certificate and key, where the server asks for them. */
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  /** The name the server's certificate must have; default the target's host. */
  readonly servername?: string | undefined;
  /** Whether a certificate that cannot be verified ends the connection. Default true. */
  readonly rejectUnauthorized?: boolean | undefined;
}

/** The latest session of an endpoint; later connections resume it and save the handshake's costly part. */
interface Sessions {
  latest: Buffer | undefined;
}

class TlsWire implements Wire {
  readonly #socket: TLSSocket;

  constructor(socket: TLSSocket) {
    this.#socket = socket;
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  writeText(text: string): void {
    this.#socket.write(text, 'latin1');
  }

  writeBytes(bytes: Buffer): void {
    this.#socket.write(bytes);
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

/** Opens TLS connections that share one context and resume one another's sessions. */
export function dialTls(material: TlsMaterial): Dial {
  const { ca, cert, key, servername, rejectUnauthorized } = material;
  const secureContext = createSecureContext({ ca, cert, key });
  const sessions: Sessions = { latest: undefined };
  return (endpoint, events, localAddress) => {
    const name = servername ?? endpoint.hostname;
    const socket = connect({
      ...connectOptions(endpoint, localAddress),
      secureContext,
      rejectUnauthorized: rejectUnauthorized ?? true,
      // An address is no server name (RFC 6066); the certificate is compared with it all the same.
      ...(isIP(name) === 0 ? { servername: name } : {}),
      ...(sessions.latest === undefined ? {} : { session: sessions.latest }),
    });
    socket.setNoDelay(true);
    listen(socket, endpoint, events, sessions);
    return new TlsWire(socket);
  };
}

function listen(socket: TLSSocket, endpoint: Endpoint, events: WireEvents, sessions: Sessions): void {
  socket.on('secureConnect', () => {
    const refusal = endpoint.refuseAddress(socket.remoteAddress ?? '');
    if (refusal === undefined) events.onOpen();
    else events.onClosed(new TransportError('refused_target', refusal));
  });
  socket.on('session', (session) => void (sessions.latest = session));
  socket.on('data', (bytes: Buffer) => events.onBytes(bytes, bytes.length));
  socket.on('end', () => events.onEnd());
  socket.on('error', (error) => {
    // A session that the server has forgotten must not be offered again.
    sessions.latest = undefined;
    events.onClosed(transportErrorOf(error));
  });
  socket.on('close', () => events.onClosed(closedByServer()));
}
