import type { LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import type { LookupFunction } from 'node:net';
import { unescape } from 'node:querystring';
import { messageOf } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { redactText } from '../../ops/telemetry/redact-text.ts';
import { checkAddress } from '../swarm/guard.ts';
import type { Resolve, TargetPolicy } from '../swarm/guard.ts';
import { allowedOf } from '../swarm/transport/open-wire.ts';
import { TryLater } from './outbox.ts';

/** A receiver that takes longer is tried again. */
const timeoutMs = 10_000;
/** Of a reply, bytes that are read; the rest is thrown away. */
const replyMaxBytes = 65_536;
/** A receiver of POSTs. Redirects are not followed. */
export interface Receiver {
  /** Answers the reply's body. @throws TryLater where it may work later, Error where the receiver refuses */
  post(body: Buffer, signal: AbortSignal): Promise<string>;
  close(): void;
}

export interface ReceiverOptions {
  readonly host: Host;
  /** May hold a user and a password, which become an authorization header. */
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly policy: TargetPolicy;
  /** After which statuses the protocol allows the same to be sent again. */
  readonly mayRetry: (status: number) => boolean;
  /** Default DNS. */
  readonly resolve?: Resolve;
}

/** Keeps one connection to a receiver; every address it connects to passes the guard first. */
export function createReceiver({ host, url, headers, policy, mayRetry, resolve = byDns }: ReceiverOptions): Receiver {
  const secure = url.protocol === 'https:';
  const agent = secure ? new HttpsAgent({ keepAlive: true, maxSockets: 1 }) : new HttpAgent({ keepAlive: true, maxSockets: 1 });
  const send = secure ? httpsRequest : httpRequest;
  const where = new URL(url);
  where.username = '';
  where.password = '';
  const all = { ...headers, ...authorizationOf(url) };
  const post = (body: Buffer, signal: AbortSignal): Promise<string> =>
    new Promise((taken, reject) => {
      const late = new AbortController();
      const timer = host.timers.after(timeoutMs, () => late.abort());
      const limit = AbortSignal.any([signal, late.signal]);
      const options = { method: 'POST', agent, headers: { ...all, 'content-length': body.length }, lookup: guardedLookup(policy, resolve), signal: limit };
      const request = send(where, options, (reply) => void readReply(reply, mayRetry).then(taken, reject));
      request.on('error', (error) => reject(failureOf(error)));
      request.on('close', () => timer.cancel());
      request.end(body);
    });
  return { post, close: () => agent.destroy() };
}

class Refused extends Error {}

/** A refusal of the guard stays one; anything else on the way may pass. */
function failureOf(error: Error): Error {
  if (error instanceof Refused) return error;
  if (error.name === 'AbortError') return new TryLater(`no reply within ${timeoutMs / 1_000} s`);
  return new TryLater(messageOf(error) || ((error as NodeJS.ErrnoException).code ?? 'the connection failed'));
}

async function readReply(reply: IncomingMessage, mayRetry: (status: number) => boolean): Promise<string> {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  try {
    for await (const part of reply as AsyncIterable<Buffer>) {
      if (sizeBytes < replyMaxBytes) parts.push(part);
      sizeBytes += part.length;
    }
  } catch (error) {
    throw new TryLater(messageOf(error));
  }
  const text = Buffer.concat(parts).subarray(0, replyMaxBytes).toString('utf8');
  const status = reply.statusCode ?? 0;
  if (status >= 200 && status < 300) return text;
  // A receiver may repeat what it was sent, a token for one, and this goes into the report.
  const message = `answered ${status} ${redactText(text.slice(0, 200)).replaceAll(/\s+/g, ' ').trim()}`.trim();
  if (!mayRetry(status)) throw new Error(message);
  const seconds = Number(reply.headers['retry-after']);
  throw new TryLater(message, Number.isFinite(seconds) && seconds > 0 ? seconds * 1_000 : undefined);
}

function authorizationOf({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const pair = `${unescape(username)}:${unescape(password)}`;
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

const byDns: Resolve = async (hostname) => (await lookup(hostname, { all: true })).map(({ address }) => address);

/** Looks a name up and lets no address pass that the policy refuses, as for targets: others may be added in mid-run. */
function guardedLookup(policy: TargetPolicy, resolve: Resolve): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (addresses) => {
        let found: LookupAddress[];
        try {
          found = allowedOf(addresses.map((address) => ({ address, family: isIP(address) })), { refuseAddress: (address) => checkAddress(address, hostname, policy) });
        } catch (error) {
          return callback(new Refused(messageOf(error)), '');
        }
        if (options.all === true) return callback(null, found);
        return callback(null, found[0]?.address ?? '', found[0]?.family);
      },
      (error: Error) => callback(error, ''),
    );
  };
}
