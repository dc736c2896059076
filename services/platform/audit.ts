import { z } from 'zod';
import { SoraError } from '../../ops/core/error.ts';
import type { AuditedWrites, Platform } from './domain.ts';
import { auditTimeoutMs, queryAtLength } from './long-query.ts';
import { route, type Route } from './route.ts';

interface UserWrites {
  readonly userId: number;
  readonly kind: string;
  readonly count: number;
  readonly checksum: number;
}

const runSchema = z.string().regex(/^[0-9a-f]{8}$/, 'a run is 8 hex digits');
/** Write ids of one kind that the list of one user holds at most. */
const idsMax = 10_000;
const userWritesSchema = z.object({
  items: z.array(z.object({ kind: z.string(), writeId: z.uuid(), rows: z.int() })),
  truncated: z.boolean().meta({ description: `Whether some kind has more than ${idsMax} write ids; the rest are left out` }),
});
const itemSchema = z.object({ userId: z.int(), kind: z.string(), count: z.int(), checksum: z.int() });

/**
 * First and last uuid of a run: write ids begin with it. Counting a run reads each audited table once (follows have
 * an index by write id, the others are not worth one); the list of one user reads that user's rows through the index that begins with the user.
 */
function boundsOf(run: string): [string, string] {
  return [`${run}-0000-0000-0000-000000000000`, `${run}-ffff-ffff-ffff-ffffffffffff`];
}

function identifier(name: string): string {
  if (!/^[a-z_][a-z0-9_]*$/.test(name)) throw new SoraError('invalid_audit', `"${name}" is not a plain SQL name`);
  return name;
}

/** Admin endpoints that count each user's acknowledged writes, for comparison with what a run sent. */
export function createAuditRoutes(platform: Platform, audited: readonly AuditedWrites[]): Route[] {
  const pages = createPages(platform, audited);
  return [
    route({
      method: 'get', path: '/admin/audit/writes', operationId: 'auditWrites', auth: 'admin', cost: 0, timeoutMs: auditTimeoutMs,
      summary: 'Count and checksum of the writes of one run by user and kind',
      query: z.object({
        run: runSchema,
        afterUser: z.coerce.number().int().min(0).default(0),
        limit: z.coerce.number().int().min(1).max(10_000).default(1_000),
      }),
      responses: { 200: z.object({ items: z.array(itemSchema), nextAfterUser: z.int().nullable() }) },
      handle: async ({ query }) => ({ status: 200, body: await pages(query.run, query.afterUser, query.limit) }),
    }),
    route({
      method: 'get', path: '/admin/audit/writes/{userId}', operationId: 'auditUserWrites', auth: 'admin', cost: 0, timeoutMs: auditTimeoutMs,
      summary: 'The write ids of one user in one run, with the number of rows of each',
      params: z.object({ userId: z.coerce.number().int().min(0) }),
      query: z.object({ run: runSchema }),
      responses: { 200: userWritesSchema },
      handle: async ({ params, query }) => ({ status: 200, body: await writesOf(platform, audited, params.userId, query.run) }),
    }),
  ];
}

interface Snapshot {
  readonly run: string;
  readonly takenMs: number;
  readonly items: readonly UserWrites[];
}

const snapshotMaxAgeMs = 60_000;

/**
 * The first page counts afresh; the pages after it read that one count, so that a page costs no
 * scan of the run again and all pages agree. Only the newest run's count is kept.
 */
function createPages(platform: Platform, audited: readonly AuditedWrites[]) {
  let snapshot: Snapshot | undefined;
  const { clock } = platform.host;
  return async (run: string, afterUser: number, limit: number): Promise<{ items: UserWrites[]; nextAfterUser: number | null }> => {
    const isFresh = snapshot?.run === run && clock.monotonicMs() - snapshot.takenMs < snapshotMaxAgeMs;
    if (afterUser === 0 || snapshot === undefined || !isFresh) {
      snapshot = { run, takenMs: clock.monotonicMs(), items: await countWrites(platform, audited, run) };
    }
    return pageOf(snapshot.items, afterUser, limit);
  };
}

/** At most `limit` items after a user, without parting the kinds of one user (a page has at least one user). */
function pageOf(items: readonly UserWrites[], afterUser: number, limit: number): { items: UserWrites[]; nextAfterUser: number | null } {
  const from = firstAfter(items, afterUser);
  let to = Math.min(items.length, from + limit);
  if (to < items.length) {
    const cut = items[to]?.userId;
    while (to > from && items[to - 1]?.userId === cut) to--;
    if (to === from) while (to < items.length && items[to]?.userId === cut) to++;
  }
  return { items: items.slice(from, to), nextAfterUser: to < items.length ? (items[to - 1]?.userId ?? null) : null };
}

function firstAfter(items: readonly UserWrites[], afterUser: number): number {
  let low = 0;
  let high = items.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((items[middle]?.userId ?? 0) <= afterUser) low = middle + 1;
    else high = middle;
  }
  return low;
}

async function countWrites(platform: Platform, audited: readonly AuditedWrites[], run: string): Promise<UserWrites[]> {
  const items: UserWrites[] = [];
  for (const { kind, table, userColumn, writeIdColumn } of audited) {
    const user = identifier(userColumn);
    const writeId = identifier(writeIdColumn);
    const rows = await queryAtLength<{ userId: number; count: number; checksum: string }>(
      platform.db,
      {
        name: `audit_count_${identifier(table)}_${writeId}`.slice(0, 63),
        repeatable: true,
        text: `select ${user} as "userId", count(*) as count, sum(('x' || right(${writeId}::text, 8))::bit(32)::bigint)::text as checksum
               from ${identifier(table)} where ${writeId} between $1::uuid and $2::uuid group by ${user}`,
      },
      boundsOf(run),
    );
    for (const row of rows) items.push({ userId: row.userId, kind, count: row.count, checksum: Number(row.checksum) });
  }
  return items.sort((a, b) => a.userId - b.userId || (a.kind < b.kind ? -1 : 1));
}

async function writesOf(platform: Platform, audited: readonly AuditedWrites[], userId: number, run: string): Promise<z.infer<typeof userWritesSchema>> {
  const items: { kind: string; writeId: string; rows: number }[] = [];
  let truncated = false;
  for (const { kind, table, userColumn, writeIdColumn } of audited) {
    const writeId = identifier(writeIdColumn);
    const rows = await platform.db.query<{ writeId: string; rows: number }>(
      {
        name: `audit_list_${identifier(table)}_${writeId}`.slice(0, 63),
        repeatable: true,
        text: `select ${writeId} as "writeId", count(*) as rows from ${identifier(table)}
               where ${writeId} between $2::uuid and $3::uuid and ${identifier(userColumn)} = $1 group by 1 order by 1 limit ${idsMax + 1}`,
      },
      [userId, ...boundsOf(run)],
    );
    truncated ||= rows.length > idsMax;
    for (const row of rows.slice(0, idsMax)) items.push({ kind, writeId: row.writeId, rows: row.rows });
  }
  return { items, truncated };
}
