import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';

const host = createNodeHost();

/** T for a stopped process, as /proc tells. */
const stateOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] ?? '';

it.runIf(host.process.platform === 'linux')('suspends workers with their coordinator, and lets both go on', async () => {
  const file = fileURLToPath(new URL('./fixtures/suspended.ts', import.meta.url));
  const parent = spawn(host.process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let worker = 0;
  try {
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    worker = Number(line.toString('utf8'));
    const pids = [parent.pid ?? 0, worker];
    parent.kill('SIGTSTP');
    await expect.poll(() => pids.map(stateOf)).toEqual(['T', 'T']);
    parent.kill('SIGCONT');
    await expect.poll(() => pids.map(stateOf).includes('T')).toBe(false);
  } finally {
    if (worker > 0) host.process.kill(worker, 'SIGKILL');
    parent.kill('SIGKILL');
  }
});
