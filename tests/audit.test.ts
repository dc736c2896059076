import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditRun } from '../loadtests/audit/run-audit.ts';
import { runSwarm } from '../loadtests/swarm/coordinator.ts';
import { startLoadStack } from '../ops/cli/load-stack.ts';
import type { Context } from '../ops/cli/command.ts';
import { createNodeHost } from '../ops/core/node-host.ts';

const host = createNodeHost();
const root = join(import.meta.dirname, '..');
const users = 60;
let context: Context;

beforeAll(() => {
  const home = mkdtempSync(join(tmpdir(), 'sora-audit-'));
  // As root the database has another user, who must be able to pass.
  chmodSync(home, 0o711);
  context = { host, root, home, topology: join(root, 'topology.json') };
});
afterAll(() => rmSync(context.home, { recursive: true, force: true }));

const dashless = (id: string): string => id.replaceAll('-', '');

test('the audit of a run on the real stack finds nothing; after one row is deleted and another doubled it names both', async () => {
  await using stack = await startLoadStack(context, { runId: '20260101-audit', users, seed: 1, replicas: {}, keep: false, signal: new AbortController().signal });
  const { SORA_TARGET: target = '', SORA_ADMIN_URL: adminUrl = '', SORA_ADMIN_SECRET: adminSecret = '', SORA_DATABASE_URL: url } = stack.env;
  const measured = await runSwarm({
    host, scenarioFile: join(root, 'loadtests/scenarios/launch-mix.ts'), target, runId: '20260101-audit', adminSecret,
    admin: { target: adminUrl, headers: { authorization: `Bearer ${adminSecret}` } },
    overrides: { users, rampMs: 500, holdMs: 4_000, thinkTimeMs: { kind: 'exponential', mean: 500 } }, log: () => undefined,
  });
  const audit = () => auditRun(host, measured, { adminUrl, adminSecret });
  const sound = await audit();
  expect(sound).toMatchObject({ lost: 0, duplicated: 0, unexpected: 0, ledgerBalanced: true, differences: [] });
  expect(sound.incomplete).toBeUndefined();
  expect(sound.acknowledgedWrites).toBeGreaterThan(50);

  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    // The write ids of a run begin with its digits.
    const { rows } = await client.query<{ id: string; write_id: string; sender_id: string }>(
      'select id, write_id, sender_id from messages where write_id::text like $1 order by id', [`${measured.writes.run}%`],
    );
    const [gone, twice] = [rows[0], rows.findLast((row) => row.sender_id !== rows[0]?.sender_id)];
    if (gone === undefined || twice === undefined) throw new Error(`${rows.length} messages are too few`);
    // The database itself forbids what is to be found.
    await client.query('alter table messages drop constraint messages_sender_id_write_id_key');
    await client.query('delete from messages where id = $1', [gone.id]);
    const columns = 'conversation_id, sender_id, write_id, body, price, created_at';
    await client.query(`insert into messages (${columns}) select ${columns} from messages where id = $1`, [twice.id]);

    const broken = await audit();
    expect(broken).toMatchObject({ lost: 1, duplicated: 1, unexpected: 0 });
    expect(broken.differences.map(({ userId, finding, writeId, rows: count }) => ({ userId, finding, writeId: dashless(writeId), count }))).toEqual(
      expect.arrayContaining([
        { userId: Number(gone.sender_id), finding: 'lost', writeId: dashless(gone.write_id), count: 0 },
        { userId: Number(twice.sender_id), finding: 'duplicated', writeId: dashless(twice.write_id), count: 2 },
      ]),
    );
  } finally {
    await client.end();
  }
}, 120_000);
