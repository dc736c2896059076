import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SoraError } from '../../../ops/core/error.ts';
import type { Host } from '../../../ops/core/host.ts';
import { startBareTarget } from './bare-target.ts';
import type { Client, Load } from './clients.ts';
import { measureCommand } from './measured-command.ts';

/** What a load cost the client that made it, start-up included. */
export interface LoadCost {
  readonly cpuUsPerRequest: number;
  readonly requestsPerS: number;
  readonly requests: number;
  readonly cpuUs: number;
  /** Of all its processes together. */
  readonly rssMaxBytes: number;
}

/** Starting and ending, besides the load itself. */
const overheadMaxMs = 120_000;

/**
 * Puts a load on a target, a bare server of its own unless one is given.
 * @throws SoraError `bench_failed` when the client failed or any of its requests did: figures of failures compare nothing
 */
export async function measureLoad(host: Host, client: Client, load: Omit<Load, 'target'> & { readonly target?: string }): Promise<LoadCost> {
  const own = load.target === undefined ? await startBareTarget(host) : undefined;
  try {
    const full: Load = { ...load, target: load.target ?? own?.url ?? '' };
    const cost = await measureCommand(host, client.command(full), {
      timeoutMs: load.seconds * 1_000 + overheadMaxMs, env: client.env?.(full) ?? {}, ...(client.accepts === undefined ? {} : { accepts: client.accepts }),
    });
    const { requests, failed } = client.count(cost.stdout);
    if (failed > 0 || requests === 0) throw failedReplies(client.name, full, requests, failed);
    return { cpuUsPerRequest: cost.cpuUs / requests, requestsPerS: requests / load.seconds, requests, cpuUs: cost.cpuUs, rssMaxBytes: cost.rssMaxBytes };
  } finally {
    own?.stop();
  }
}

/**
 * What each further request costs: the same load for `shortSeconds` is taken from it, and with it the start-up. Where a
 * target answers few requests, the start-up would hide what a request costs.
 * @throws SoraError `bench_failed` as `measureLoad` does
 */
export async function measureMarginal(host: Host, client: Client, load: Parameters<typeof measureLoad>[2], shortSeconds: number): Promise<LoadCost> {
  const short = await measureLoad(host, client, { ...load, seconds: shortSeconds });
  const long = await measureLoad(host, client, load);
  return { ...long, cpuUsPerRequest: (long.cpuUs - short.cpuUs) / (long.requests - short.requests) };
}

function failedReplies(name: string, { kind, users }: Load, requests: number, failed: number): SoraError {
  const hint = 'make sure that nothing else uses the machine and its open files are not limited (ulimit -n), then run the group again with --only';
  return new SoraError('bench_failed', `${failed} of ${requests} requests of ${name} (${kind}, ${users} users) failed, and none may`, { hint });
}

/** Gives the runs of a bench a folder of their own, which goes with it. */
export async function withRunsFolder<Result>(host: Host, work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = join(tmpdir(), `sora-bench-${host.random.uuid()}`);
  host.files.makeFolder(folder, 0o755);
  try {
    return await work(folder);
  } finally {
    host.files.remove(folder);
  }
}
