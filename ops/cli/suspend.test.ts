import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { createNodeHost } from '../core/node-host.ts';

const host = createNodeHost();
const root = mkdtempSync(join(tmpdir(), 'sora-suspend-'));
afterAll(() => rmSync(root, { recursive: true }));

const here = (file: string): string => pathToFileURL(fileURLToPath(new URL(file, import.meta.url))).href;
writeFileSync(join(root, 'entry.mjs'), `import { spawn } from 'node:child_process';
const worker = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
console.log(process.pid + ' ' + worker.pid);
setInterval(() => undefined, 1_000);`);
writeFileSync(join(root, 'cli.mjs'), `import { runEntry } from ${JSON.stringify(here('./entry.ts'))};
import { createNodeHost } from ${JSON.stringify(here('../core/node-host.ts'))};
const root = ${JSON.stringify(root)};
await runEntry({ host: createNodeHost(), root, home: root, topology: '' }, 'entry.mjs', []);`);

/** T for a stopped process, as /proc tells. */
const stateOf = (pid: number): string => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] ?? '';

it.runIf(host.process.platform === 'linux')('suspends what it runs and all below with itself, and lets them go on', async () => {
  const cli = spawn(host.process.execPath, [join(root, 'cli.mjs')], { stdio: ['ignore', 'pipe', 'inherit'] });
  let below: number[] = [];
  try {
    const [line] = (await once(cli.stdout, 'data')) as [Buffer];
    below = line.toString('utf8').trim().split(' ').map(Number);
    expect(below).toHaveLength(2);
    const all = [cli.pid ?? 0, ...below];
    cli.kill('SIGTSTP');
    await expect.poll(() => all.map(stateOf)).toEqual(['T', 'T', 'T']);
    cli.kill('SIGCONT');
    await expect.poll(() => all.map(stateOf).includes('T')).toBe(false);
  } finally {
    for (const pid of [...below, cli.pid ?? 0]) if (pid > 0) host.process.kill(pid, 'SIGKILL');
  }
});
