import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Host } from '../../../ops/core/host.ts';

/** The server that all generators are measured against, in a process of its own. */
export interface BareTarget {
  readonly url: string;
  readonly pid: number;
  stop(): void;
}

export interface BareTargetOptions {
  /** Requests that it answers a second at most, one after the other. Default: as many as it can. */
  readonly servedPerS?: number;
}

export async function startBareTarget(host: Host, { servedPerS }: BareTargetOptions = {}): Promise<BareTarget> {
  const file = fileURLToPath(new URL('../bare-server.ts', import.meta.url));
  const limits = servedPerS === undefined ? [] : ['0', String(servedPerS)];
  const server = spawn(host.process.execPath, [file, ...limits], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(server.stdout, 'data')) as [Buffer];
  return { url: `http://127.0.0.1:${Number(line.toString())}`, pid: server.pid ?? 0, stop: () => void server.kill('SIGKILL') };
}
