import { invalidConfig } from '../../../ops/core/error.ts';
import type { TargetPolicy } from '../guard.ts';
import { parseTarget } from '../guard.ts';
import { connectionsPerProcess, limitUsers, type MachineLimits, processesFor, processesMax, reserveOf, type Runtime, type SocketNeed } from './limits.ts';
import { formatCount } from './numbers.ts';
import { portsPerAddress, SourceAddresses } from './source-addresses.ts';
import type { TlsMaterial } from './tls-wire.ts';

/** `pooled`: connections shared by all users. `per-user`: one for each, over its life. */
export type TransportKind = 'pooled' | 'per-user';

/** How long things may take; undefined keeps the default. */
export interface Timeouts {
  /** Until a connection is open, TLS included. Default 10,000. */
  readonly connectMs?: number;
  /** Until a reply is complete, from when the request is handed over. Default 30,000. */
  readonly replyMs?: number;
}

/** What a run may say about its connections; undefined keeps the scenario's, or the default. */
export interface LinkOverrides {
  readonly transport?: TransportKind | undefined;
  /** Addresses and ranges of IPv4 that connections come from. Default the system's choice, and 127.0.0.0/8 where that is too few. */
  readonly sourceAddresses?: readonly string[] | undefined;
  /** What runs the workers. Default Node, and Bun for more than 50,000 connections of users over plain HTTP. */
  readonly runtime?: Runtime | undefined;
  /** Certificates as PEM text or files; see `loadTls`. */
  readonly tls?: TlsMaterial | undefined;
}

/** How the workers of a run reach the target. */
export interface LinkPlan {
  readonly kind: TransportKind;
  readonly runtime: Runtime;
  /** Entries for `SourceAddresses`; none leaves the choice to the system. */
  readonly sourceAddresses: readonly string[];
  /** How many of these are used in turn; 0 leaves the choice to the system. */
  readonly sourceCount: number;
  /** Worker processes that the connections need. */
  readonly workersLeast: number;
  readonly timeouts: Timeouts;
  readonly tls: TlsMaterial | undefined;
}

export interface LinkQuestion {
  readonly target: string;
  readonly policy: TargetPolicy;
  /** Of this process's share. */
  readonly users: number;
  /** Of all shares: several may run on one machine. */
  readonly usersTotal: number;
  /** Connections when they are pooled. */
  readonly sockets: number;
  readonly transport: TransportKind;
  /** Sockets of a user besides, on average: its WebSockets. Default 0. */
  readonly extraSocketsPerUser?: number | undefined;
  readonly sourceAddresses?: readonly string[] | undefined;
  readonly runtime?: Runtime | undefined;
  readonly timeouts: Timeouts;
  readonly tls: TlsMaterial | undefined;
  readonly machine: MachineLimits;
  readonly platform: string;
  /** Whether Bun runs here; asked only when it is wanted. */
  readonly hasBun: () => boolean;
}

/** Beyond this Bun's 1.9 kB a connection is worth another runtime beside Node's 4.5 kB. */
export const bunBeyondSockets = 50_000;

/**
 * Decides how users reach the target.
 * @throws SoraError `invalid_config` when the machine has too few descriptors, too little memory or too few ports
 */
export function planLinks(asked: LinkQuestion): LinkPlan {
  const { transport, timeouts, tls, users } = asked;
  const need = needOf(asked);
  const sockets = socketsOf(need, users);
  const entries = asked.sourceAddresses ?? (sockets > portsPerAddress ? addressesByDefault(asked, sockets) : []);
  const addresses = entries.length === 0 ? 1 : new SourceAddresses(entries).count;
  if (sockets > addresses * portsPerAddress) {
    throw invalidConfig(
      `${formatCount(sockets)} connections need ${Math.ceil(sockets / portsPerAddress)} source addresses of ${formatCount(portsPerAddress)} ports; there are ${addresses}`,
      'give more with --source-addresses, or fewer users',
    );
  }
  const runtime = transport === 'pooled' ? 'node' : (asked.runtime ?? runtimeFor(asked, sockets));
  return {
    kind: transport,
    sourceAddresses: entries,
    timeouts,
    tls,
    runtime,
    sourceCount: entries.length === 0 ? 0 : Math.min(addresses, addressesFor(asked, need)),
    workersLeast: processesOf(asked, need, runtime, addresses),
  };
}

/** What each user takes, and what all share. */
export function needOf({ transport, sockets, extraSocketsPerUser = 0 }: Pick<LinkQuestion, 'transport' | 'sockets' | 'extraSocketsPerUser'>): SocketNeed {
  return transport === 'pooled' ? { perUser: extraSocketsPerUser, pooled: sockets } : { perUser: 1 + extraSocketsPerUser, pooled: 0 };
}

function socketsOf({ perUser, pooled }: SocketNeed, users: number): number {
  return Math.ceil(users * perUser) + pooled;
}

/** @throws SoraError `invalid_config` where this machine does not hold them */
function processesOf({ users, machine, transport }: LinkQuestion, need: SocketNeed, runtime: Runtime, addresses: number): number {
  if (need.perUser > 0) {
    const limit = limitUsers(machine, runtime, addresses, need);
    if (users > limit.users) {
      const way = transport === 'pooled' ? 'fewer extraSocketsPerUser' : '--transport pooled';
      throw invalidConfig(`${formatCount(users)} users are more than this machine allows: ${limit.text}`, `use ${way}, fewer users, or --partition over several machines`);
    }
  }
  // A share without a user is refused where shares are cut, by its own name.
  if (users === 0) return 1;
  const processes = processesFor(machine, users, need);
  if (processes !== undefined) return processes;
  const { descriptors } = machine;
  throw invalidConfig(
    `${formatCount(socketsOf(need, users))} connections are more than ${Math.min(processesMax, users)} processes hold, each ${formatCount(connectionsPerProcess(machine))} ` +
      `(${formatCount(descriptors)} open files, ${formatCount(reserveOf(descriptors))} kept back)`,
    'use fewer --sockets, or raise the limit of open files (ulimit -Hn)',
  );
}

/** Whoever names addresses wants them used; of ours as few as carry all users half full, as closing connections keep their ports a while. */
function addressesFor({ sourceAddresses, usersTotal }: LinkQuestion, need: SocketNeed): number {
  const sockets = socketsOf(need, usersTotal);
  return sourceAddresses === undefined ? Math.ceil((2 * sockets) / portsPerAddress) : sockets;
}

function runtimeFor({ target, policy, hasBun }: LinkQuestion, sockets: number): Runtime {
  if (sockets <= bunBeyondSockets || parseTarget(target, policy).protocol === 'https:') return 'node';
  return hasBun() ? 'bun' : 'node';
}

/** Linux answers on all of 127.0.0.0/8, so a target on this machine can be reached from any of them. */
function addressesByDefault({ target, policy, platform }: LinkQuestion, sockets: number): readonly string[] {
  const { hostname } = parseTarget(target, policy);
  if (platform === 'linux' && (hostname === 'localhost' || hostname.startsWith('127.'))) return ['127.0.0.0/8'];
  throw invalidConfig(
    `${formatCount(sockets)} connections need ${Math.ceil(sockets / portsPerAddress)} source addresses of ${formatCount(portsPerAddress)} ports; none is given`,
    'give this machine further addresses and name them: --source-addresses 10.0.0.16/28',
  );
}
