import { SoraError } from '../../../ops/core/error.ts';
import type { Timeouts, TransportKind } from './link-plan.ts';
import type { TlsMaterial } from './tls-wire.ts';
import type { SocketErrand } from './ws/hub.ts';

/** What a scenario may say about its connections, and about what its client does by itself. */
export interface ScenarioLinks {
  /** `pooled` (default): connections shared by all users. `per-user`: one for each, opened at its first request; a WebSocket is a further one. */
  readonly transport?: TransportKind;
  /**
   * Sockets that a user keeps open besides, on average: its WebSockets. Users are spread over processes so that all
   * have room, and a run that this machine cannot hold is refused. 0 to 100, default 0.
   */
  readonly extraSocketsPerUser?: number;
  /** Addresses and ranges of IPv4 that connections come from, in turn. */
  readonly sourceAddresses?: readonly string[];
  /** For `https:` targets; `ca`, `cert` and `key` are PEM text or files beside the scenario. */
  readonly tls?: TlsMaterial;
  readonly timeouts?: ScenarioTimeouts;
  /** Asks for gzip, br and deflate, and inflates replies, to 64 MB at most. Default false. */
  readonly compression?: boolean;
  /** Redirects followed for one request, 0 to 20; one more is the reply and fails, unless it is expected. Default 0: the first is the reply, and fine. */
  readonly redirects?: number;
  /** Each user keeps the cookies it is given, 50 at most, and sends them. Default false. */
  readonly cookies?: boolean;
}

/** How long things may take; undefined keeps the default. */
export interface ScenarioTimeouts extends Timeouts {
  /** Until `setup` has ended; beyond, the run ends as a scenario error. Default 600,000. */
  readonly setupMs?: number;
  /** Until `teardown` has ended; beyond, it is left. Default 60,000. */
  readonly teardownMs?: number;
}

/** What a request may ask for besides. */
export interface RequestLinks {
  /** Redirects followed, 0 to 20; default the scenario's. */
  readonly redirects?: number;
  /** Tried again at once, within the request's time. Default none: what is tried again hides what users see. */
  readonly retries?: Retries;
  /** Written by `user.ws` and its sockets alone. */
  readonly socket?: SocketErrand;
}

/** Whether a request wants more than one exchange of its own. */
export function asksForLinks(request: RequestLinks): boolean {
  return request.retries !== undefined || request.redirects !== undefined || request.socket !== undefined;
}

export interface Retries {
  /** Further tries at most, 1 to 10. */
  readonly attempts: number;
  /** What is tried again: no reply at all (`transport`), or a status. */
  readonly on: readonly ('transport' | number)[];
}

export const redirectsMax = 20;
export const retriesMax = 10;
/** What a subprotocol may be (RFC 9110, 5.6.2), of 100 characters at most. */
const tokenPattern = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$/;

/** @throws SoraError `malformed_request` on redirects or retries out of range, or on a protocol of a WebSocket that is none */
export function checkLinks(links: RequestLinks): RequestLinks {
  const { redirects, retries, socket } = links;
  if (redirects !== undefined && !isWhole(redirects, 0, redirectsMax)) throw malformed(`redirects ${redirects} is no whole number from 0 to ${redirectsMax}`);
  if (retries !== undefined && !isWhole(retries.attempts, 1, retriesMax)) throw malformed(`retries.attempts ${retries.attempts} is no whole number from 1 to ${retriesMax}`);
  const odd = socket?.kind === 'connect' ? socket.protocols.find((protocol) => !tokenPattern.test(protocol)) : undefined;
  if (odd !== undefined) throw malformed(`protocol ${JSON.stringify(odd)} is no token`, 'write letters, digits, dots and dashes');
  return links;
}

const isWhole = (value: number, least: number, most: number): boolean => Number.isInteger(value) && value >= least && value <= most;

function malformed(message: string, hint = 'correct the step that makes this request'): SoraError {
  return new SoraError('malformed_request', message, { hint });
}
