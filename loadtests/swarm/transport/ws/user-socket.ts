import { SoraError } from '../../../../ops/core/error.ts';
import type { Http } from '../../scenario.ts';
import { isCloseCode, type MessageData } from './codec.ts';
import { type Match, MessageReply, type SocketLink, SocketReply } from './link.ts';

export interface SocketOptions {
  /** Subprotocols offered, in order of preference. */
  readonly protocols?: readonly string[];
  readonly headers?: Readonly<Record<string, string>>;
  /** Until the socket is open. Default the scenario's `timeouts.replyMs`. */
  readonly timeoutMs?: number;
}

export interface ReceiveOptions {
  /** Until the message is here. Default the scenario's `timeouts.replyMs`. */
  readonly timeoutMs?: number;
  /** The message waited for; those before it are passed over. Default the next. */
  readonly match?: Match;
}

/** Opens a WebSocket below the target. Rejects when the server refuses it, or nothing answers in time. */
export type OpenSocket = (path: string, options?: SocketOptions) => Promise<UserSocket>;

/**
 * A user's WebSocket. Opening it is the operation `ws_connect` and each message received is `ws_message`, or
 * part of the group or step around them; `ws_message` is served from the message sent last before it, where one
 * was, until it arrived. Close it: the end of an iteration does not.
 */
export class UserSocket {
  readonly #link: SocketLink;
  readonly #path: string;
  #http: Http;

  constructor(http: Http, link: SocketLink, path: string) {
    this.#http = http;
    this.#link = link;
    this.#path = path;
  }

  /** The subprotocol agreed on; '' for none. */
  get protocol(): string {
    return this.#link.protocol;
  }

  /** Whether messages may be sent. */
  get open(): boolean {
    return this.#link.open;
  }

  /** Sends one message, of 16 MB at most. @throws TransportError `ws_closed`, `ws_too_big` */
  send(data: string | Uint8Array): void {
    this.#link.send(data);
  }

  /**
   * Takes the next message, or the next that matches. 1,000 messages wait for it at most. Rejects with `timeout`,
   * `ws_closed` once all that came is received, `ws_too_big` and `ws_queue_full`.
   */
  async receive(options: ReceiveOptions = {}): Promise<MessageData> {
    const { timeoutMs, match } = options;
    const reply = await this.#http.request({
      method: 'GET',
      path: this.#path,
      name: 'ws_message',
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      socket: { kind: 'receive', link: this.#link, match },
    });
    if (reply instanceof MessageReply) return reply.data;
    throw noSocketHere();
  }

  /** Says good-bye to the server. @param code 1000 to 4999, as RFC 6455 allows; default 1000, normal */
  close(code = 1000, reason = ''): void {
    if (!isCloseCode(code)) {
      throw new SoraError('malformed_request', `close code ${code} may not be sent`, { hint: 'give 1000, or one of your own from 3000 to 4999' });
    }
    this.#link.close(code, reason);
  }

  /** Lets a later step or iteration of the same user receive: what it takes counts there. */
  adopt(user: { readonly http: Http }): void {
    this.#http = user.http;
  }
}

/** What `user.ws` does. */
export async function openSocket(http: Http, path: string, options: SocketOptions = {}): Promise<UserSocket> {
  const { protocols = [], headers, timeoutMs } = options;
  const reply = await http.request({
    method: 'GET',
    path,
    name: 'ws_connect',
    expect: [101],
    ...(headers === undefined ? {} : { headers }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    socket: { kind: 'connect', protocols },
  });
  if (reply instanceof SocketReply) return new UserSocket(http, reply.link, path);
  if (reply.status === 101) throw noSocketHere();
  throw new SoraError('ws_refused', `the server answered ${reply.status} to the WebSocket at ${path}`, { hint: 'check the path, the protocols and the headers it wants' });
}

function noSocketHere(): SoraError {
  return new SoraError('ws_unsupported', 'what carries this user\'s requests has no WebSockets', { hint: 'use user.ws in journeys of a run' });
}
