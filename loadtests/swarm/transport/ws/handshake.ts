import { createHash } from 'node:crypto';
import { type Head, parseHead } from '../../http-head.ts';
import { maxHeadBytes } from '../../http-parser.ts';
import { Reply } from '../../reply.ts';
import { TransportError } from '../../transport-error.ts';

/** What RFC 6455 (1.3) adds to a key before it is hashed. */
const acceptSalt = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const headEnd = Buffer.from('\r\n\r\n', 'latin1');

/** The head that asks for a WebSocket. @param key 16 random bytes @param headers further lines, each ended by CRLF */
export function askForSocket(path: string, host: string, key: Buffer, protocols: readonly string[], headers: string): string {
  const wanted = protocols.length === 0 ? '' : `sec-websocket-protocol: ${protocols.join(', ')}\r\n`;
  return (
    `GET ${path} HTTP/1.1\r\nhost: ${host}\r\nupgrade: websocket\r\nconnection: Upgrade\r\n` +
    `sec-websocket-version: 13\r\nsec-websocket-key: ${key.toString('base64')}\r\n${wanted}${headers}\r\n`
  );
}

/** Collects the head of the reply. Undefined until it is whole. @throws TransportError `protocol` on one of more than 64 kB */
export class HandshakeReader {
  #carried = Buffer.alloc(0);

  /** Answers the head, and what came behind it. */
  feed(bytes: Buffer): { readonly head: Head; readonly rest: Buffer } | undefined {
    this.#carried = Buffer.concat([this.#carried, bytes]);
    const end = this.#carried.indexOf(headEnd);
    if (end < 0 && this.#carried.length > maxHeadBytes) throw new TransportError('protocol', `a head of more than ${maxHeadBytes} bytes`);
    return end < 0 ? undefined : { head: parseHead(this.#carried, 0, end), rest: this.#carried.subarray(end + 4) };
  }
}

/**
 * Judges a reply of status 101, and answers the protocol agreed on; '' for none.
 * @throws TransportError `protocol` on a reply that is not to our key, or agrees on what nobody offered
 */
export function agreedProtocol(head: Head, key: Buffer, protocols: readonly string[]): string {
  const { headers } = new Reply(head.status, head.lines, Buffer.alloc(0));
  const accept = createHash('sha1').update(key.toString('base64') + acceptSalt).digest('base64');
  if (headers['upgrade']?.toLowerCase() !== 'websocket' || headers['sec-websocket-accept'] !== accept) {
    throw new TransportError('protocol', 'the server switched protocols, but not as it was asked');
  }
  if (headers['sec-websocket-extensions'] !== undefined) throw new TransportError('protocol', 'the server uses an extension nobody offered');
  const protocol = headers['sec-websocket-protocol'] ?? '';
  if (protocol !== '' && !protocols.includes(protocol)) throw new TransportError('protocol', `the server chose ${JSON.stringify(protocol)}, which nobody offered`);
  return protocol;
}
