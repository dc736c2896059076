/**
 * Entry point of the reaper: a process of its own that learns from standard input what its
 * supervisor started, one JSON object a line, and ends all of it when that input closes, which it
 * does however the supervisor dies. A supervisor that stops in order empties the list first.
 */
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { createNodeHost } from '../core/node-host.ts';
import type { Host } from '../core/host.ts';
import { listClusterPids } from './embedded-postgres-lock.ts';
import { isAlive, listPidsWithEnv } from './process-table.ts';
import { graveSchema } from './reaper-link.ts';
import type { Grave } from './reaper-link.ts';

const lineSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('add'), grave: graveSchema }),
  z.strictObject({ do: z.literal('remove'), pid: z.int() }),
  z.strictObject({ do: z.literal('instance'), instance: z.string() }),
]);

/** When, after the supervisor's death, each signal is sent. All is gone within 10 s. */
const stages = [
  { atMs: 0, process: 'SIGTERM', database: 'SIGINT' },
  { atMs: 3_000, process: undefined, database: 'SIGQUIT' },
  { atMs: 5_000, process: 'SIGKILL', database: undefined },
  { atMs: 8_000, process: 'SIGKILL', database: 'SIGKILL' },
] as const;
const lookEveryMs = 100;
const stopWatchAfterMs = 10_000;

const host = createNodeHost();
const graves = new Map<number, Grave>();
let instance: string | undefined;
// It must outlive what its supervisor dies of: the terminal's Ctrl-C and hang-up.
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) host.process.onSignal(name, () => undefined);

const lines = createInterface({ input: host.process.stdin() });
lines.on('line', (line) => {
  const parsed = lineSchema.safeParse(JSON.parse(line));
  if (!parsed.success) return;
  if (parsed.data.do === 'add') graves.set(parsed.data.grave.pid, parsed.data.grave);
  else if (parsed.data.do === 'remove') graves.delete(parsed.data.pid);
  else instance = parsed.data.instance;
});
lines.on('close', () => void reap(host).finally(() => host.process.exit(0)));

async function reap(host: Host): Promise<void> {
  const startMs = host.clock.monotonicMs();
  let next = 0;
  for (;;) {
    const elapsedMs = host.clock.monotonicMs() - startMs;
    addStrays(host);
    forgetDead(host);
    if (graves.size === 0 || elapsedMs > stopWatchAfterMs) return;
    const stage = stages[next];
    if (stage !== undefined && elapsedMs >= stage.atMs) {
      next++;
      for (const grave of graves.values()) signal(host, grave, stage[grave.kind]);
    }
    await host.timers.sleep(lookEveryMs);
  }
}

/** What was started in the instant before the supervisor died, and what the children started. */
function addStrays(host: Host): void {
  if (instance === undefined) return;
  for (const pid of listPidsWithEnv(host, 'SORA_INSTANCE', instance)) {
    if (!graves.has(pid)) graves.set(pid, { pid, kind: 'process' });
  }
}

function forgetDead(host: Host): void {
  for (const grave of graves.values()) {
    const backends = grave.clusterName === undefined ? [] : listClusterPids(host, grave.clusterName);
    if (backends.length === 0 && !isAlive(host, grave.pid)) graves.delete(grave.pid);
  }
}

function signal(host: Host, grave: Grave, name: NodeJS.Signals | undefined): void {
  if (name === undefined) return;
  // Each child leads its own process group; PostgreSQL's backends lead theirs and are found by title.
  if (grave.kind === 'process') host.process.kill(-grave.pid, name);
  host.process.kill(grave.pid, name);
  if (name === 'SIGKILL' && grave.clusterName !== undefined) {
    for (const pid of listClusterPids(host, grave.clusterName)) host.process.kill(pid, 'SIGKILL');
  }
}
