import { once } from 'node:events';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase } from '../../tests/database.ts';
import type { TestDatabase } from '../../tests/database.ts';
import { createNodeHost } from '../core/node-host.ts';
import { createTestHost } from '../core/test-host.ts';
import type { TestHost } from '../core/test-host.ts';
import type { Context } from './command.ts';
import { queryLimits } from './db-query.ts';
import { db } from './db.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase({ migrate: false });
  await run(['query', '--write', 'create table notes (id int primary key, text text)']);
});
afterAll(() => database[Symbol.asyncDispose]());

/** Time is the machine's, but for hosts given. */
async function run(args: readonly string[], given?: TestHost): Promise<{ readonly host: TestHost; readonly exitCode: number }> {
  const recording = createTestHost();
  const { timers, clock } = createNodeHost();
  const host = given ?? { ...recording, timers, clock };
  const asked: Context = { host: { ...host, process: { ...host.process, env: { DATABASE_URL: database.url } } }, root: '/', home: '/nowhere', topology: '/' };
  return { host, exitCode: await db.run(asked, args) };
}

test('shows rows as a table, and nothing where there are none', async () => {
  const { host, exitCode } = await run(['query', "select 1 as id, e'two\\nlines\\u001b' as text, null as nothing, timestamptz '2026-01-31 14:23:05+00' as at"]);
  expect(exitCode).toBe(0);
  expect(host.written).toEqual({ stdout: 'ID  TEXT        NOTHING  AT\n1   two lines?  <none>   2026-01-31 14:23:05+00\n', stderr: '' });
  expect((await run(['query', 'select 1 as id where false'])).host.written).toEqual({ stdout: '', stderr: 'no rows\n' });
  expect((await run(['query', `select repeat('x', 300) as text`])).host.written.stdout).toBe(`TEXT\n${'x'.repeat(queryLimits.cellCharacters - 1)}…\n`);
});

test('gives JSON whose numbers lose no digits', async () => {
  const { host } = await run(['query', '-o', 'json', `select 1::int8 as small, 9007199254740993 as big, 0.5::float8 as half, true as yes, null as nothing, '{"a":[1]}'::jsonb as document, 'NaN'::float8 as odd`]);
  expect(JSON.parse(host.written.stdout)).toEqual({
    schema: 'sora.db-query/v1', command: 'SELECT', affected: 1, hasMore: false, columns: ['small', 'big', 'half', 'yes', 'nothing', 'document', 'odd'],
    rows: [{ small: 1, big: '9007199254740993', half: 0.5, yes: true, nothing: null, document: { a: [1] }, odd: 'NaN' }],
  });
  expect(JSON.parse((await run(['query', '-o', 'json', 'select 1 as id where false'])).host.written.stdout)).toMatchObject({ columns: ['id'], rows: [] });
});

test('shows the first 1,000 rows and says that there are more', async () => {
  const { host } = await run(['query', '-o', 'json', 'select generate_series(1, 100000000) as n']);
  const reply = JSON.parse(host.written.stdout) as { rows: unknown[]; hasMore: boolean };
  expect([reply.rows.length, reply.rows.at(-1), reply.hasMore]).toEqual([queryLimits.rows, { n: 1_000 }, true]);
  expect(host.written.stderr).toContain('only the first 1000 rows are shown');
  const exact = await run(['query', `select generate_series(1, ${queryLimits.rows}) as n`]);
  expect(exact.host.written.stderr).toBe('');
});

test('changes data with --write alone, all of it where it answers with more rows than are shown', async () => {
  await expect(run(['query', "insert into notes values (7, 'seven')"])).rejects.toMatchObject({ code: 'sql_read_only', hint: '--write lets the statement change data', message: 'PostgreSQL: cannot execute INSERT in a read-only transaction' });
  await expect(run(['query', 'commit; delete from notes'])).rejects.toMatchObject({ message: 'PostgreSQL: cannot insert multiple commands into a prepared statement (42601)' });
  const { host } = await run(['query', '--write', "insert into notes select generate_series(1, 1500), 'x' returning id"]);
  expect(host.written.stderr).toBe('--write: what this changes is committed at once\nonly the first 1000 rows are shown; narrow the statement, or let it count\n');
  expect((await run(['query', 'select count(*) from notes'])).host.written.stdout).toBe('COUNT\n1500\n');
  expect((await run(['query', '--write', 'delete from notes where id > 10'])).host.written).toEqual({ stdout: 'DELETE: 1490 rows\n', stderr: '--write: what this changes is committed at once\n' });
});

test('says what PostgreSQL says, and where', async () => {
  await expect(run(['query', 'select *\nfrom  nowhere where true'])).rejects.toMatchObject({ code: 'sql_failed', message: 'PostgreSQL: relation "nowhere" does not exist (42P01)', hint: 'at: nowhere where true' });
  await expect(run(['query', '--write', "insert into notes values (1, 'again')"])).rejects.toMatchObject({ message: expect.stringContaining('duplicate key') as string, hint: 'Key (id)=(1) already exists.' });
  await expect(run(['query', `do $$ begin raise exception using errcode = '57014'; end $$`])).rejects.toMatchObject({ code: 'sql_too_slow', message: 'the statement took longer than 10 s and was ended' });
});

test('the server ends a statement by itself after 10 s', async () => {
  expect((await run(['query', 'show statement_timeout'])).host.written.stdout).toBe('STATEMENT_TIMEOUT\n10s\n');
});

test('a database that is silent, away or no database is told within 4 s', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => void sockets.push(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const url = `postgres://nobody:secret@127.0.0.1:${port}/none`;
  const host = createTestHost();
  const asked = run(['query', 'select 1', '--url', url], host);
  await once(silent, 'connection');
  const told = expect(asked).rejects.toMatchObject({ code: 'no_answer', message: 'the database does not answer within 4 s' });
  await host.advance(queryLimits.connectMs);
  await told;
  for (const socket of sockets) socket.destroy();
  silent.close();
  await once(silent, 'close');
  await expect(run(['query', 'select 1', '--url', url])).rejects.toMatchObject({ code: 'no_answer', message: expect.stringContaining('ECONNREFUSED') as string });
  await expect(run(['query', 'select 1', '--url', database.url.replace(/\/[^/]*$/, '/none')])).rejects.toMatchObject({ message: 'PostgreSQL lets nobody in: database "none" does not exist (3D000)' });
});

test.each([
  [['query'], 'sora db query needs a statement', 'for example'],
  [['query', ' '], 'sora db query needs a statement', 'for example'],
  [['query', 'select 1', 'extra'], 'sora db does not take "extra"', '--help'],
  [['query', 'select 1', '-o', 'yaml'], 'output "yaml" is unknown', '-o json'],
  [['query', 'select 1', '--stack', 'load'], 'sora db query does not take --stack', '--url'],
  [['query', 'select 1', '--url', 'nonsense'], 'the URL of the database is not one of PostgreSQL', 'postgres://'],
  [['query', 'select 1', '--url', 'postgres://x', '--control'], '--url and --control exclude each other', 'leave one'],
  [['query', 'select 1', '--control'], 'no control plane with a database of its own is up', 'npm start'],
  [['query', 'x'.repeat(queryLimits.sqlCharacters + 1)], 'the statement has 100001 characters; 100000 are taken', ''],
])('sora db %j says what is wrong', async (args, message, hint) => {
  const error = await run(args).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ message, exitCode: 104 });
  expect((error as { hint?: string }).hint ?? '').toContain(hint);
});
