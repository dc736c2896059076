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

/** How many users with a connection of their own a machine carries, and why not more. */
export interface UserLimit {
  readonly users: number;
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

/** @param addresses source addresses there are */
export function limitUsers(machine: MachineLimits, runtime: Runtime, addresses: number): UserLimit {
  const perProcess = Math.min(1_000_000, machine.descriptors) - reserveOf(machine.descriptors);
  let [processes, carried] = [1, 1];
  for (let count = 1; count <= processesMax; count++) {
    const byMemory = Math.floor((machine.memoryBytes - count * processBytes) / socketBytes[runtime]);
    const users = Math.min(count * perProcess, byMemory);
    if (users > carried) [processes, carried] = [count, users];
  }
  const byPorts = addresses * portsPerAddress;
  const users = Math.min(carried, byPorts);
  const bound = users === byPorts ? 'ports' : carried < processesMax * perProcess ? 'memory' : 'processes';
  const text =
    `${formatCount(users)} users with a connection each: ${processes} process${processes === 1 ? '' : 'es'} of ${formatCount(perProcess)} connections ` +
    `(${formatCount(machine.descriptors)} open files each, ${formatCount(reserveOf(machine.descriptors))} kept back; ${formatGb(machine.memoryBytes)} of memory free), ` +
    `and ${formatCount(portsPerAddress)} ports for each of ${formatCount(addresses)} source address${addresses === 1 ? '' : 'es'}; what binds first: ${bound}`;
  return { users, perProcess, processes, bound, text };
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
