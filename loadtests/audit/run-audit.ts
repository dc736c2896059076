import { z } from 'zod';
import { messageOf, SoraError } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import type { SummaryAudit } from '../report/summary-schema.ts';
import { createHttpClient } from '../swarm/http-client.ts';
import { writesByUser } from '../swarm/measurement.ts';
import type { RunMeasurement, UserWrites } from '../swarm/measurement.ts';
import { partitionOf, placeOf } from '../swarm/partition.ts';
import type { Http } from '../swarm/scenario.ts';
import { compareUser, differs } from './compare.ts';
import type { Difference, IdSpace, StoredWrites } from './compare.ts';

export interface AuditOptions {
  /** Where admin endpoints answer; the api itself, not the gateway. */
  readonly adminUrl: string;
  readonly adminSecret: string;
  /** The account of a user; default index + 1, as the seeder numbers them. */
  readonly userIdOf?: (userIndex: number) => number;
  /** Ends the audit at once when aborted; what it then has is `incomplete`. */
  readonly signal?: AbortSignal;
}

const pageSize = 10_000;
/** Users looked at id by id; far more than a sound system ever needs. */
const usersExaminedMax = 20_000;
/** Users looked at side by side. */
const examinedAtOnce = 16;
const differencesMax = 1_000;
/** Ids tried to name missing ones: of all users together, and of one; a million take about two seconds. */
const candidatesMax = { all: 20_000_000, user: 100_000 } as const;

const sessions = z.object({ sessions: z.array(z.object({ accessToken: z.string() })).min(1) });
const page = z.object({
  items: z.array(z.object({ userId: z.number(), kind: z.string(), count: z.number(), checksum: z.number() })),
  nextAfterUser: z.number().nullable(),
});
const list = z.object({ items: z.array(z.object({ kind: z.string(), writeId: z.string(), rows: z.number() })), truncated: z.boolean().optional() });
const ledger = z.object({ balanced: z.boolean() });

/**
 * Compares every user's acknowledged writes with the database and asks for the ledger's proof. Never
 * throws: an audit that cannot end says why in `incomplete`, and the run then proves nothing.
 */
export async function auditRun(host: Host, run: RunMeasurement, options: AuditOptions): Promise<SummaryAudit> {
  const totals = { lost: 0, duplicated: 0, unexpected: 0, usersCompared: 0, ledgerBalanced: null as boolean | null };
  const differences: Difference[] = [];
  const unlisted = run.writes.indeterminateDropped;
  let incomplete: string | undefined;
  try {
    using http = await createHttpClient(host, options.adminUrl, { sockets: examinedAtOnce });
    options.signal?.addEventListener('abort', () => http[Symbol.dispose](), { once: true });
    const api = await signIn(http, options.adminSecret);
    incomplete = await compareAll(api, run, options.userIdOf ?? ((index) => index + 1), (compared, found) => {
      totals.usersCompared += compared;
      for (const difference of found) totals[difference.finding] += 1;
      differences.push(...found.slice(0, Math.max(0, differencesMax - differences.length)));
    });
    totals.ledgerBalanced = (await api('/ledger/audit', ledger)).balanced;
  } catch (error) {
    incomplete = options.signal?.aborted === true ? 'the audit was stopped by a signal' : `the audit stopped: ${messageOf(error)}`;
  }
  if (run.workersLost.length > 0) incomplete ??= `${nameWorkers(run.workersLost)} lost with the list of what was written`;
  // Where all totals are equal no write in doubt left a row, so it does not matter which they were.
  if (differences.length > 0 && unlisted > 0) incomplete ??= `${unlisted} writes in doubt were too many to list, and may be what differs`;
  if (totals.unexpected > 0) incomplete ??= `${totals.unexpected} rows were never acknowledged`;
  return {
    acknowledgedWrites: run.writes.acknowledged.reduce((sum, count) => sum + count, 0),
    indeterminate: run.writes.indeterminate.length + unlisted,
    ...totals,
    differences,
    ...(incomplete === undefined ? {} : { incomplete }),
  };
}

/** `worker 1 was`, `workers 1 and 2 were`. */
function nameWorkers(workers: readonly number[]): string {
  const names = workers.toSorted((a, b) => a - b);
  return names.length === 1 ? `worker ${names[0]} was` : `workers ${names.slice(0, -1).join(', ')} and ${names.at(-1)} were`;
}

type Api = <T>(path: string, schema: z.ZodType<T>) => Promise<T>;

async function signIn(http: Http, secret: string): Promise<Api> {
  const reply = await http.request({
    method: 'POST', path: '/admin/sessions', headers: { authorization: `Bearer ${secret}` }, body: { role: 'admin', count: 1, ttlS: 3_600 },
  });
  if (reply.status >= 300) throw refused('/admin/sessions', reply.status);
  const bearer = sessions.parse(reply.json()).sessions[0]?.accessToken ?? '';
  return async (path, schema) => {
    const answer = await http.request({ method: 'GET', path, headers: { authorization: `Bearer ${bearer}` }, timeoutMs: 125_000 });
    if (answer.status !== 200) throw refused(path, answer.status);
    return schema.parse(answer.json());
  };
}

function refused(path: string, status: number): SoraError {
  return new SoraError('audit_refused', `${path.split('?')[0]} answered ${status}`);
}

/** Compares all users, closer where their totals differ; answers why it stopped early. */
async function compareAll(
  api: Api, run: RunMeasurement, userIdOf: (index: number) => number, report: (compared: number, found: Difference[]) => void,
): Promise<string | undefined> {
  const stored = await readTotals(api, run.writes.run);
  const lost = run.lostParts ?? run.workersLost.map((worker) => partitionOf(worker, run.workers.length));
  const doubtful: { userId: number; writes: UserWrites }[] = [];
  for (const writes of writesByUser(run.writes)) {
    const userId = userIdOf(writes.user);
    const found = stored.get(userId);
    stored.delete(userId);
    if (lost.some((partition) => placeOf(partition, writes.user) !== undefined)) continue;
    if (differs(writes, found)) doubtful.push({ userId, writes });
    else report(1, []);
  }
  const examined = Math.min(doubtful.length, usersExaminedMax);
  const space = idSpaceOf(run, examined);
  const tooLong: number[] = [];
  for (let from = 0; from < examined; from += examinedAtOnce) {
    await Promise.all(doubtful.slice(from, Math.min(examined, from + examinedAtOnce)).map(async ({ userId, writes }) => {
      const { items: ids, truncated } = await api(`/admin/audit/writes/${userId}?run=${run.writes.run}`, list);
      if (truncated === true) tooLong.push(userId);
      else report(1, compareUser(userId, writes, ids, space));
    }));
  }
  if (doubtful.length > usersExaminedMax) return `${doubtful.length} users differ; ${usersExaminedMax} of them were examined`;
  if (tooLong.length > 0) return `${tooLong.length} users have more writes than the api lists, the first user ${tooLong[0]}`;
  return await reportStrangers(api, run, stored, lost.length > 0, report);
}

/** Where the ids of a run come from. A share of an earlier version does not say how far they go; its users are not known to have arrived twice. */
function idSpaceOf({ writes, operationsPerUser }: RunMeasurement, examined: number): IdSpace {
  const users = writes.acknowledged.length;
  const reach = writes.reach ?? { keys: users, steps: operationsPerUser.max + 64 };
  return { run: writes.run, users, reach, candidatesMax: Math.min(candidatesMax.user, Math.floor(candidatesMax.all / Math.max(1, examined))) };
}

/** Users of whom the database holds writes that the harness never made. */
async function reportStrangers(
  api: Api, run: RunMeasurement, strangers: ReadonlyMap<number, StoredWrites>, someLost: boolean,
  report: (compared: number, found: Difference[]) => void,
): Promise<string | undefined> {
  if (someLost) return undefined;
  for (const userId of [...strangers.keys()].slice(0, 1_000)) {
    const ids = (await api(`/admin/audit/writes/${userId}?run=${run.writes.run}`, list)).items;
    report(0, ids.map((row) => ({ userId, ...row, finding: row.rows > 1 ? 'duplicated' : 'unexpected' })));
  }
  return strangers.size > 1_000 ? `${strangers.size} users hold writes that were never acknowledged` : undefined;
}

/** The totals of each user, over all kinds. */
async function readTotals(api: Api, run: string): Promise<Map<number, StoredWrites>> {
  const totals = new Map<number, StoredWrites>();
  let afterUser: number | null = 0;
  while (afterUser !== null) {
    const { items, nextAfterUser }: z.infer<typeof page> = await api(`/admin/audit/writes?run=${run}&afterUser=${afterUser}&limit=${pageSize}`, page);
    for (const { userId, count, checksum } of items) {
      const known = totals.get(userId) ?? { count: 0, checksum: 0 };
      totals.set(userId, { count: known.count + count, checksum: known.checksum + checksum });
    }
    afterUser = nextAfterUser;
  }
  return totals;
}
