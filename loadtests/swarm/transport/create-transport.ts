import { type TargetPolicy, parseTarget } from '../guard.ts';
import { type Partition, userAt } from '../partition.ts';
import { Transport } from '../transport.ts';
import type { BaseTransport } from './base-transport.ts';
import { dialBun } from './bun-wire.ts';
import type { CookieShelf } from './cookies.ts';
import { Courier, type CourierOptions } from './courier.ts';
import { acceptEncoding } from './inflate.ts';
import type { LinkPlan } from './link-plan.ts';
import { PerUserTransport } from './per-user.ts';
import { SourceAddresses } from './source-addresses.ts';

export interface TransportQuestion {
  readonly target: string;
  readonly policy: TargetPolicy;
  readonly link: LinkPlan;
  /** Connections of a pool. */
  readonly sockets: number;
  /** Of a pool that users wait for; default `sockets`. */
  readonly socketsMost?: number | undefined;
  /** Whose places the users' connections belong to. */
  readonly partition: Partition;
  readonly now: () => number;
  readonly commonHeaders?: string;
}

/** Opens the transport that a plan asks for. */
export function createTransport(asked: TransportQuestion): BaseTransport {
  const { link, now, policy } = asked;
  const target = parseTarget(asked.target, policy);
  const addresses = link.sourceCount === 0 ? undefined : new SourceAddresses(link.sourceAddresses);
  const isPooled = link.kind === 'pooled';
  const options = {
    target,
    now,
    policy,
    commonHeaders: asked.commonHeaders ?? '',
    connectTimeoutMs: link.timeouts.connectMs,
    replyTimeoutMs: link.timeouts.replyMs,
    tls: link.tls,
    dial: link.runtime === 'bun' && target.protocol === 'http:' ? dialBun : undefined,
    sourceAddress:
      addresses === undefined
        ? undefined
        : (n: number) => addresses.at((isPooled ? asked.partition.index + n : userAt(asked.partition, n)) % link.sourceCount),
  };
  return isPooled ? new Transport({ ...options, sockets: asked.sockets, socketsMost: asked.socketsMost }) : new PerUserTransport(options);
}

export interface CourierQuestion extends TransportQuestion, Pick<CourierOptions, 'habits' | 'randomBytes'> {
  /** Wall time, for cookies. */
  readonly nowMs: () => number;
}

/** Connections to one other origin. */
const socketsToOthers = 64;

/**
 * Opens the transport that a plan asks for, with what the scenario's clients do by themselves.
 * @throws SoraError `invalid_config` on a target that the policy refuses
 */
export async function createCourier(asked: CourierQuestion): Promise<Courier> {
  const { link, policy, habits, now, nowMs, randomBytes } = asked;
  const commonHeaders = habits.compression === true ? acceptEncoding : '';
  // What is said of the target's certificate, and what proves us to it, is nobody else's.
  const tls = { ca: link.tls?.ca, rejectUnauthorized: link.tls?.rejectUnauthorized };
  return new Courier({
    target: parseTarget(asked.target, policy),
    transport: createTransport({ ...asked, commonHeaders }),
    openOther: (origin) => createTransport({ ...asked, commonHeaders, target: origin, sockets: socketsToOthers, socketsMost: asked.socketsMost, link: { ...link, kind: 'pooled', tls } }),
    habits,
    cookies: habits.cookies === true ? await openCookies(nowMs) : undefined,
    now,
    randomBytes,
  });
}

/** Their rules come with a list of all public suffixes, which those without cookies need not load. */
async function openCookies(nowMs: () => number): Promise<CookieShelf> {
  const { CookieShelf } = await import('./cookies.ts');
  return new CookieShelf(nowMs);
}

/** A plan without anything special: a pool of Node's connections. */
export const plainLink: LinkPlan = {
  kind: 'pooled',
  runtime: 'node',
  sourceAddresses: [],
  sourceCount: 0,
  workersLeast: 1,
  timeouts: {},
  tls: undefined,
};
