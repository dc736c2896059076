import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { sampleRun } from '../report/sample.ts';
import { checksumOf, writeIdOf } from '../swarm/write-id.ts';
import { auditRun } from './run-audit.ts';

const run = '7f3a0001';
const host = createNodeHost();
const secret = 'a-secret-of-the-admin';
let server: Server | undefined;
afterEach(() => server?.close());

/** Three users with two acknowledged writes each. */
const rows = (): Map<number, string[]> => new Map([0, 1, 2].map((user) => [user + 1, [0, 5].map((step) => writeIdOf(run, user, step, 0))]));
const measured = (change: Partial<Parameters<typeof sampleRun>[0]> = {}, indeterminateDropped = 0): ReturnType<typeof sampleRun> =>
  sampleRun({
    ...change,
    writes: {
      run, acknowledged: new Uint32Array([2, 2, 2]), indeterminate: [], indeterminateDropped, byKind: { message: 6 },
      checksum: new Float64Array([...rows().values()].map((ids) => ids.reduce((sum, id) => sum + checksumOf(id), 0))),
    },
  });

/** Answers the admin endpoints, one user a page, from the rows it is given. */
async function serve(database: Map<number, string[]>, balanced = true): Promise<string> {
  const started = createServer((request, reply) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const send = (status: number, body: unknown): void => void reply.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    const isAdmin = request.headers.authorization === 'Bearer admin-token';
    if (url.pathname === '/admin/sessions') {
      return request.headers.authorization === `Bearer ${secret}` ? send(201, { sessions: [{ accessToken: 'admin-token' }] }) : send(401, {});
    }
    if (!isAdmin) return send(403, {});
    if (url.pathname === '/ledger/audit') return send(200, { balanced });
    const one = /^\/admin\/audit\/writes\/(\d+)$/.exec(url.pathname);
    if (one !== null) {
      const ids = database.get(Number(one[1])) ?? [];
      return send(200, { items: [...new Set(ids)].map((writeId) => ({ kind: 'message', writeId, rows: ids.filter((id) => id === writeId).length })) });
    }
    const after = Number(url.searchParams.get('afterUser'));
    const next = [...database].filter(([user, ids]) => user > after && ids.length > 0)[0];
    const last = Math.max(0, ...[...database].filter(([, ids]) => ids.length > 0).map(([user]) => user));
    const items = next === undefined ? [] : [{ userId: next[0], kind: 'message', count: next[1].length, checksum: next[1].reduce((sum, id) => sum + checksumOf(id), 0) }];
    return send(200, { items, nextAfterUser: next === undefined || next[0] >= last ? null : next[0] });
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(started.address() as AddressInfo).port}`;
}

describe('auditRun', () => {
  it('finds nothing in a sound database', async () => {
    const audit = await auditRun(host, measured(), { adminUrl: await serve(rows()), adminSecret: secret });
    expect(audit).toEqual({ acknowledgedWrites: 6, lost: 0, duplicated: 0, unexpected: 0, indeterminate: 0, usersCompared: 3, ledgerBalanced: true, differences: [] });
  });
  it('ends at once when a signal stops it, and says so', async () => {
    const stop = new AbortController();
    const silent = createServer(() => stop.abort());
    server = silent;
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    const adminUrl = `http://127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const audit = await auditRun(host, measured(), { adminUrl, adminSecret: secret, signal: stop.signal });
    expect(audit).toMatchObject({ acknowledgedWrites: 6, usersCompared: 0, ledgerBalanced: null, incomplete: 'the audit was stopped by a signal' });
  });
  it('names one deleted and one doubled row', async () => {
    const database = rows();
    const gone = database.get(1)?.pop() ?? '';
    const doubled = database.get(3)?.[0] ?? '';
    database.get(3)?.push(doubled);
    const audit = await auditRun(host, measured(), { adminUrl: await serve(database, false), adminSecret: secret });
    expect(audit).toMatchObject({ lost: 1, duplicated: 1, ledgerBalanced: false });
    expect(audit.differences).toEqual([
      { userId: 1, kind: 'unknown', writeId: gone, finding: 'lost', rows: 0 },
      { userId: 3, kind: 'message', writeId: doubled, finding: 'duplicated', rows: 2 },
    ]);
  });
  it('names the write that is gone of a user who arrived twice', async () => {
    // Three users by turns: arrivals 0, 3 and 6 are the first user's.
    const database = new Map([0, 1, 2].map((user) => [user + 1, [0, 3, 6].map((turn) => writeIdOf(run, user + turn, 4, 0))]));
    const checksum = new Float64Array([...database.values()].map((ids) => ids.reduce((sum, id) => sum + checksumOf(id), 0)));
    const adminUrl = await serve(new Map([...database, [2, database.get(2)?.slice(0, 2) ?? []]]));
    const measuredOpenly = sampleRun({
      writes: { run, acknowledged: new Uint32Array([3, 3, 3]), checksum, indeterminate: [], indeterminateDropped: 0, byKind: { message: 9 }, reach: { keys: 9, steps: 5 } },
    });
    const audit = await auditRun(host, measuredOpenly, { adminUrl, adminSecret: secret });
    expect(audit.differences).toEqual([{ userId: 2, kind: 'unknown', writeId: writeIdOf(run, 7, 4, 0), finding: 'lost', rows: 0 }]);
  });
  it('counts every write of a user whose rows are all gone', async () => {
    const database = rows();
    database.set(2, []);
    expect(await auditRun(host, measured(), { adminUrl: await serve(database), adminSecret: secret })).toMatchObject({ lost: 2, duplicated: 0 });
  });
  it('counts doubts it has no list of, and says so where rows differ', async () => {
    expect(await auditRun(host, measured({}, 7), { adminUrl: await serve(rows()), adminSecret: secret })).toMatchObject({ indeterminate: 7, unexpected: 0 });
    server?.close();
    const database = rows();
    database.get(1)?.push(writeIdOf(run, 0, 6, 0));
    const audit = await auditRun(host, measured({}, 7), { adminUrl: await serve(database), adminSecret: secret });
    expect(audit).toMatchObject({ unexpected: 1, incomplete: expect.stringContaining('7 writes in doubt') });
  });
  it('does not call lost what a dead worker took with it', async () => {
    const workers = measured().workers;
    const audit = await auditRun(host, measured({ workersLost: [1] }), { adminUrl: await serve(new Map([...rows()].filter(([user]) => user !== 2))), adminSecret: secret });
    expect(workers).toHaveLength(2);
    expect(audit).toMatchObject({ lost: 0, usersCompared: 2, incomplete: expect.stringContaining('worker 1 was lost') });
  });
  it('says why it could not end', async () => {
    expect(await auditRun(host, measured(), { adminUrl: await serve(rows()), adminSecret: 'wrong' })).toMatchObject({
      incomplete: 'the audit stopped: /admin/sessions answered 401', ledgerBalanced: null,
    });
    expect((await auditRun(host, measured(), { adminUrl: 'http://127.0.0.1:1', adminSecret: secret })).incomplete).toContain('the audit stopped');
  });
});
