import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, expect, it } from 'vitest';

const home = mkdtempSync(join(tmpdir(), 'sora-lend-'));
chmodSync(home, 0o711);
afterAll(() => rmSync(home, { recursive: true, force: true }));

it.each([
  ['its standard input ends', (lender: ChildProcess) => void lender.stdin?.end()],
  ['it is told to end', (lender: ChildProcess) => void lender.kill('SIGTERM')],
])('lends a durable PostgreSQL until %s, and leaves nothing behind', async (_when, end) => {
  const lender = spawn(process.execPath, [join(import.meta.dirname, 'lend-postgres.ts')], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, SORA_HOME: home },
  });
  const exited = once(lender, 'exit');
  const [line] = (await once(lender.stdout, 'data')) as [Buffer];
  const url = line.toString().trim();
  const client = new Client({ connectionString: url });
  client.on('error', () => undefined);
  await client.connect();
  const { rows } = await client.query(`select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit`);
  expect(rows).toEqual([{ fsync: 'on', commit: 'on' }]);
  expect(readdirSync(home)).toHaveLength(1);

  end(lender);
  expect(await exited).toEqual([0, null]);
  expect(readdirSync(home)).toEqual([]);
  expect(existsSync(new URL(url).searchParams.get('host') ?? '')).toBe(false);
  await expect(new Client({ connectionString: url }).connect()).rejects.toThrow();
});
