import { spawnSync } from 'node:child_process';
import { freemem } from 'node:os';
import { formatCount, formatGb } from './numbers.ts';
import type { Host } from '../../../ops/core/host.ts';
import { portsPerAddress } from './source-addresses.ts';

export type Runtime = 'node' | 'bun';

/** What a machine allows, as far as connections go. */
export interface MachineLimits {
  /** Open files of one process. */
  readonly descriptors: number;
  /** Memory that processes may still take, bytes. */
  readonly memoryBytes: number;
}

/** What users take of a machine's connections. */
export interface SocketNeed {
  /** Held by each user, on average over users; above 0. */
  readonly perUser: number;
  /** Shared by all of them. */
  readonly pooled: number;
}

/** How many users with connections of their own a machine carries, and why not more. */
export interface UserLimit {
  readonly users: number;
  /** Connections of one process. */
  readonly perProcess: number;
  readonly processes: number;
  readonly bound: 'memory' | 'processes' | 'ports';
  readonly text: string;
}

/** Worker processes at most. */
export const processesMax = 64;
/** A process before its first user; measured 45 MB, and the scenario's code is yet to come. */
const processBytes = 60e6;
/**
 * One idle connection, client side: 4.5 kB in Node and 1.9 kB in Bun, measured with 4,000 of them, and half of
 * the 10.1 kB that the kernel takes for both ends. A server on the same machine needs as much again.
 */
const socketBytes: Readonly<Record<Runtime, number>> = { node: 9_600, bun: 7_000 };

/** Descriptors that a process keeps for itself: files, the channel to its parent, other origins. */
export function reserveOf(descriptors: number): number {
  return Math.min(1_000, Math.ceil(descriptors / 10));
}

/** Connections that one process holds besides what it keeps for itself. */
export function connectionsPerProcess({ descriptors }: MachineLimits): number {
  return Math.min(1_000_000, descriptors) - reserveOf(descriptors);
}

/**
 * The fewest processes that hold so many users and the pool, spread evenly with at least one user each; undefined
 * where no number does.
 */
export function processesFor(machine: MachineLimits, users: number, { perUser, pooled }: SocketNeed): number | undefined {
  const room = connectionsPerProcess(machine);
  for (let count = 1; count <= Math.min(processesMax, users); count++) {
    if (Math.ceil(Math.ceil(users / count) * perUser) + Math.ceil(pooled / count) <= room) return count;
  }
  return undefined;
}

/**
 * @param addresses source addresses there are
 * @param need default a connection a user
 */
export function limitUsers(machine: MachineLimits, runtime: Runtime, addresses: number, need: SocketNeed = { perUser: 1, pooled: 0 }): UserLimit {
  const { perUser, pooled } = need;
  const perProcess = connectionsPerProcess(machine);
  const carriedBy = (count: number): number => count * Math.max(0, Math.floor((perProcess - Math.ceil(pooled / count)) / perUser));
  let [processes, carried] = [1, 1];
  for (let count = 1; count <= processesMax; count++) {
    const byMemory = Math.floor(((machine.memoryBytes - count * processBytes) / socketBytes[runtime] - pooled) / perUser);
    const users = Math.min(carriedBy(count), byMemory);
    if (users > carried) [processes, carried] = [count, users];
  }
  const byPorts = Math.max(0, Math.floor((addresses * portsPerAddress - pooled) / perUser));
  const users = Math.min(carried, byPorts);
  const bound = users === byPorts ? 'ports' : carried < carriedBy(processesMax) ? 'memory' : 'processes';
  const text =
    `${formatCount(users)} users with ${describeNeed(need)}: ${processes} process${processes === 1 ? '' : 'es'} of ${formatCount(perProcess)} connections ` +
    `(${formatCount(machine.descriptors)} open files each, ${formatCount(reserveOf(machine.descriptors))} kept back; ${formatGb(machine.memoryBytes)} of memory free), ` +
    `and ${formatCount(portsPerAddress)} ports for each of ${formatCount(addresses)} source address${addresses === 1 ? '' : 'es'}; what binds first: ${bound}`;
  return { users, perProcess, processes, bound, text };
}

/** `a connection each`, or `2 sockets each beside 64 pooled connections`. */
function describeNeed({ perUser, pooled }: SocketNeed): string {
  if (perUser === 1 && pooled === 0) return 'a connection each';
  return `${perUser} socket${perUser === 1 ? '' : 's'} each${pooled === 0 ? '' : ` beside ${formatCount(pooled)} pooled connections`}`;
}

/** Reads the limits of this machine for processes that this one starts. */
export function readMachineLimits(host: Host): MachineLimits {
  return { descriptors: readDescriptors(host), memoryBytes: readFreeMemory(host) };
}

const limitsFile = '/proc/self/limits';
/** Where nothing can be read: what every system gives. */
const leastDescriptors = 256;

function readDescriptors(host: Host): number {
  // Node raises its soft limit to the hard one when it starts, and so do the workers.
  if (host.files.exists(limitsFile)) return parseDescriptorLimit(host.files.readText(limitsFile)) ?? leastDescriptors;
  const asked = spawnSync('/bin/sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8', timeout: 5_000 });
  const text = asked.status === 0 ? asked.stdout.trim() : '';
  if (text === 'unlimited') return Number.POSITIVE_INFINITY;
  return /^\d+$/.test(text) ? Number(text) : leastDescriptors;
}

/** The hard limit of open files in the text of `/proc/self/limits`; undefined when it has none. */
export function parseDescriptorLimit(text: string): number | undefined {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(text)?.[1];
  if (hard === 'unlimited') return Number.POSITIVE_INFINITY;
  return hard !== undefined && /^\d+$/.test(hard) ? Number(hard) : undefined;
}

/** Linux counts as free what it can give back at once (MemAvailable); elsewhere what the system says. */
function readFreeMemory(host: Host): number {
  const file = '/proc/meminfo';
  const kb = host.files.exists(file) ? /^MemAvailable:\s+(\d+) kB/m.exec(host.files.readText(file))?.[1] : undefined;
  return kb === undefined ? freemem() : Number(kb) * 1_024;
}
