import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { createTestDatabase, type TestDatabase } from '../../tests/database.ts';
import { createPostgresDatabase } from './postgres.ts';

const host = createNodeHost();
let test: TestDatabase;
beforeAll(async () => {
  test = await createTestDatabase({ migrate: false });
});
afterAll(() => test[Symbol.asyncDispose]());

const pidOf = { name: 'pid', text: 'select pg_backend_pid() as pid' };
const kill = { name: 'kill', text: 'select pg_terminate_backend($1::int)' };

describe('createPostgresDatabase', () => {
  it('reads int8 as number, alone and in arrays, and numeric as text', async () => {
    const [row] = await test.db.query(
      { name: 'types', text: "select 9007199254740991::bigint as a, array[1, null, 3]::bigint[] as b, '{}'::bigint[] as c, 1.5::numeric as d" },
    );
    expect(row).toEqual({ a: 9007199254740991, b: [1, null, 3], c: [], d: '1.5' });
  });

  it('plans generically and without JIT, and limits statements', async () => {
    const db = createPostgresDatabase({ host, url: test.url, statementTimeoutMs: 50 });
    const [row] = await db.query({ name: 's', text: "select current_setting('plan_cache_mode') as plan, current_setting('jit') as jit" });
    expect(row).toEqual({ plan: 'force_generic_plan', jit: 'off' });
    await expect(db.query({ name: 'slow', text: 'select pg_sleep(5)' })).rejects.toMatchObject({ code: '57014' });
    await db.close();
  });

  it('rolls back when the work throws, and commits otherwise', async () => {
    await test.db.query({ name: 'mk', text: 'create table kept (n int)' });
    const add = { name: 'add', text: 'insert into kept values ($1)' };
    await test.db.transaction((tx) => tx.query(add, [1]));
    await expect(
      test.db.transaction(async (tx) => {
        await tx.query(add, [2]);
        throw new Error('no');
      }),
    ).rejects.toThrow('no');
    expect(await test.db.query({ name: 'all', text: 'select n from kept' })).toEqual([{ n: 1 }]);
  });

  it('drops a broken connection and serves the next query on a new one', async () => {
    const db = createPostgresDatabase({ host, url: test.url, poolSize: 1 });
    const [before] = await db.query<{ pid: number }>(pidOf);
    await test.db.query(kill, [before?.pid]);
    // The end may be noticed only by the first query, which then says so with 503; never twice.
    const after = await db.query<{ pid: number }>(pidOf).catch(() => db.query<{ pid: number }>(pidOf));
    expect(after[0]?.pid).not.toBe(before?.pid);
    await db.close();
  });

  it('outlives a connection that is cut off in the middle of a statement, without a word', async () => {
    const url = new URL(test.url);
    const [folder, port] = [url.searchParams.get('host'), url.searchParams.get('port') ?? (url.port || '5432')];
    const target = folder === null ? { host: url.hostname, port: Number(port) } : { path: `${folder}/.s.PGSQL.${port}` };
    const ways: Socket[] = [];
    const between = createServer((near) => {
      const far = connect(target);
      near.on('error', () => far.destroy()).pipe(far).on('error', () => near.destroy()).pipe(near);
      ways.push(near);
    }).listen(0, '127.0.0.1');
    await once(between, 'listening');
    url.search = '';
    url.hostname = '127.0.0.1';
    url.port = String((between.address() as AddressInfo).port);
    const db = createPostgresDatabase({ host, url: url.href, poolSize: 1 });
    const [{ pid } = { pid: 0 }] = await db.query<{ pid: number }>(pidOf);
    const waiting = expect(db.query({ name: 'wait_long', text: 'select pg_sleep(20)' })).rejects.toMatchObject({ status: 503, code: 'database_unavailable' });
    const active = { name: 'active', text: "select 1 from pg_stat_activity where pid = $1 and state = 'active'" };
    while ((await test.db.query(active, [pid])).length === 0);
    ways[0]?.resetAndDestroy();
    await waiting;
    expect(await db.query(pidOf)).toHaveLength(1);
    await db.close();
    between.close();
  });

  it('retries a repeatable statement whose connection breaks under it, once, and no other', async () => {
    const db = createPostgresDatabase({ host, url: test.url, poolSize: 1 });
    const wait = { name: 'wait', text: 'select pg_sleep(0.2), pg_backend_pid() as pid' };
    const run = async (repeatable: boolean) => {
      const [{ pid } = { pid: 0 }] = await db.query<{ pid: number }>(pidOf);
      const waiting = db.query<{ pid: number }>({ ...wait, repeatable });
      const active = { name: 'active', text: "select 1 from pg_stat_activity where pid = $1 and state = 'active'" };
      const settled = waiting.then((rows) => ({ rows, pid }), (error: unknown) => ({ error, pid }));
      while ((await test.db.query(active, [pid])).length === 0);
      await test.db.query(kill, [pid]);
      return settled;
    };
    const repeated = await run(true);
    expect('rows' in repeated && repeated.rows[0]?.pid).not.toBe(repeated.pid);
    expect('rows' in repeated).toBe(true);
    expect(await run(false)).toMatchObject({ error: { status: 503, code: 'database_unavailable' } });
    await db.close();
  });

  it('answers 503 when no connection becomes free in time, and when too many wait', async () => {
    const db = createPostgresDatabase({ host, url: test.url, poolSize: 1, acquireTimeoutMs: 50, waitersMax: 1 });
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    await db.query(pidOf);
    const holding = db.transaction(() => held);
    const waiting = db.query(pidOf);
    const refused = db.query(pidOf);
    await expect(refused).rejects.toMatchObject({ status: 503, code: 'overloaded' });
    await expect(waiting).rejects.toMatchObject({ status: 503, code: 'overloaded', extra: { retryAfterS: 1 } });
    release();
    await holding;
    await db.close();
  });

  it('answers 503 when the database is not there', async () => {
    const db = createPostgresDatabase({ host, url: 'postgres://u:p@/none?host=/nowhere' });
    await expect(db.query(pidOf)).rejects.toMatchObject({ status: 503, code: 'database_unavailable' });
    await db.close();
  });
});
