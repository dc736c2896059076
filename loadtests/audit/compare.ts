import type { UserWrites, WriteReach } from '../swarm/measurement.ts';
import { checksumOf, writeIdOf } from '../swarm/write-id.ts';

/** What the database holds of one user in this run. */
export interface StoredWrites {
  readonly count: number;
  /** Sum of the last 32 bits of the ids. */
  readonly checksum: number;
}

/** One id of a user with the number of its rows. */
export interface StoredId {
  readonly kind: string;
  readonly writeId: string;
  readonly rows: number;
}

export interface Difference {
  readonly userId: number;
  readonly kind: string;
  /** `unknown` where too many are missing at once to tell which. */
  readonly writeId: string;
  /** `unexpected`: a row of a write that was never acknowledged nor in doubt. */
  readonly finding: 'lost' | 'duplicated' | 'unexpected';
  readonly rows: number;
}

/**
 * Whether a user's writes need a closer look. Equal totals also say that none of the writes in doubt
 * left a row, so doubts alone are no reason: in overload most users have some. Two sums over 32 bits
 * of hash agree by chance once in four thousand million.
 */
export function differs(writes: UserWrites, stored: StoredWrites | undefined): boolean {
  return (stored?.count ?? 0) !== writes.acknowledged || (stored?.checksum ?? 0) !== writes.checksum;
}

/** Where the ids of a user can come from, to name those that are missing. */
export interface IdSpace {
  /** 8 hex digits. */
  readonly run: string;
  /** Of the whole run: where work arrives openly, a user's arrivals are so far apart. */
  readonly users: number;
  readonly reach: WriteReach;
  /** Ids tried for one user at most; of one who may have sent more, missing ids stay unnamed. */
  readonly candidatesMax: number;
}

const writesPerStep = 4;
/** Candidates tried in pairs; beyond, missing ids stay unnamed. */
const pairsMax = 4_000;

/**
 * Compares one user's ids. An indeterminate id may be there once or not at all; every acknowledged
 * one is there once. Ids are functions of (run, key, step), so the missing ones are found by the
 * hash they leave out of the sum, without keeping a list of all that was sent.
 */
export function compareUser(userId: number, writes: UserWrites, stored: readonly StoredId[], space: IdSpace): Difference[] {
  const doubted = new Set(writes.indeterminate);
  const differences: Difference[] = stored
    .filter((row) => row.rows > 1)
    .map(({ kind, writeId, rows }) => ({ userId, kind, writeId, finding: 'duplicated', rows }));
  const sure = stored.filter((row) => !doubted.has(row.writeId));
  const missing = writes.acknowledged - sure.length;
  const missingSum = writes.checksum - sure.reduce((sum, row) => sum + checksumOf(row.writeId), 0);
  if (missing > 0) {
    const present = new Set(stored.map((row) => row.writeId));
    const candidates = candidateIds(writes.user, space).filter((id) => !present.has(id) && !doubted.has(id));
    for (const writeId of pickIds(candidates, missing, missingSum)) {
      differences.push({ userId, kind: 'unknown', writeId, finding: 'lost', rows: 0 });
    }
  } else if (missing < 0) {
    const extra = pickIds(sure.map((row) => row.writeId), -missing, -missingSum);
    for (const writeId of extra) {
      const row = sure.find((known) => known.writeId === writeId);
      differences.push({ userId, kind: row?.kind ?? 'unknown', writeId, finding: 'unexpected', rows: row?.rows ?? 1 });
    }
  } else if (missingSum !== 0) {
    differences.push({ userId, kind: 'unknown', writeId: 'unknown', finding: 'lost', rows: 0 });
    differences.push({ userId, kind: 'unknown', writeId: 'unknown', finding: 'unexpected', rows: 1 });
  }
  return differences;
}

/** What a user can have sent: under its index and, where work arrives openly, under the numbers of its later arrivals. */
function candidateIds(user: number, { run, users, reach, candidatesMax }: IdSpace): string[] {
  const turns = Math.max(0, Math.ceil((reach.keys - user) / users));
  if (turns * reach.steps * writesPerStep > candidatesMax) return [];
  const ids: string[] = [];
  for (let key = user; key < reach.keys; key += users) {
    for (let step = 0; step < reach.steps; step += 1) {
      for (let sub = 0; sub < writesPerStep; sub += 1) ids.push(writeIdOf(run, key, step, sub));
    }
  }
  return ids;
}

/** The `count` ids whose hashes add up to `sum`; `unknown` for each where that cannot be told. */
function pickIds(candidates: readonly string[], count: number, sum: number): string[] {
  const unknown = Array.from({ length: count }, () => 'unknown');
  if (count === candidates.length) return [...candidates];
  if (count === 1) {
    const found = candidates.find((id) => checksumOf(id) === sum);
    return found === undefined ? unknown : [found];
  }
  if (count === 2 && candidates.length <= pairsMax) {
    const byHash = new Map(candidates.map((id) => [checksumOf(id), id]));
    for (const id of candidates) {
      const other = byHash.get(sum - checksumOf(id));
      if (other !== undefined && other !== id) return [id, other];
    }
  }
  return unknown;
}
