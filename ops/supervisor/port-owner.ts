import { readlinkSync } from 'node:fs';
import type { Host } from '../core/host.ts';
import { listCommands } from './process-table.ts';

const listening = '0A';

/** Who listens on a TCP port, as ` by pid 12 (node x.ts)`; empty where the system does not tell. */
export function describePortOwner(host: Host, port: number): string {
  if (host.process.platform !== 'linux') return '';
  const sockets = new Set(['tcp', 'tcp6'].flatMap((table) => listInodes(host, table, port)).map((inode) => `socket:[${inode}]`));
  for (const [pid, command] of listCommands(host)) {
    if (holdsOneOf(host, pid, sockets)) return ` by pid ${pid} (${command.trim().slice(0, 60)})`;
  }
  return '';
}

function listInodes(host: Host, table: string, port: number): string[] {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const path = `/proc/net/${table}`;
  if (!host.files.exists(path)) return [];
  return host.files
    .readText(path)
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1]?.endsWith(suffix) && fields[3] === listening)
    .flatMap((fields) => fields[9] ?? []);
}

function holdsOneOf(host: Host, pid: number, sockets: ReadonlySet<string>): boolean {
  try {
    return host.files.list(`/proc/${pid}/fd`).some((fd) => sockets.has(readlinkSync(`/proc/${pid}/fd/${fd}`)));
  } catch {
    // Not ours to look into, or ended meanwhile.
    return false;
  }
}
