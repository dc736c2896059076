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

export async function startBareTarget(host: Host): Promise<BareTarget> {
  const server = spawn(host.process.execPath, [fileURLToPath(new URL('../bare-server.ts', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [line] = (await once(server.stdout, 'data')) as [Buffer];
  return { url: `http://127.0.0.1:${Number(line.toString())}`, pid: server.pid ?? 0, stop: () => void server.kill('SIGKILL') };
}
