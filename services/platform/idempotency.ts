import { conflict, type Problem } from './problem.ts';

/** Marks a reply that repeats the one an earlier try with the same key got; nothing was written again. */
export const replayedHeader = 'idempotent-replayed';

/** The reply of a write that made something: 201, marked where an earlier try with the same key had made it. */
export function createdReply<Body>(body: Body, isReplayed: boolean): { status: 201; body: Body; headers?: Record<string, string> } {
  return isReplayed ? { status: 201, headers: { [replayedHeader]: 'true' }, body } : { status: 201, body };
}

/** 409 `idempotency_key_reused`: the key came back with another path or body. @param what what it belongs to, such as `post` */
export function keyReused(writeId: string, what: string): Problem {
  return conflict('idempotency_key_reused', `Idempotency-Key ${writeId} belongs to another ${what} of yours: send a new key for each write, and the same one only to repeat it`);
}

/**
 * Settles a batch in parts in none of which a key occurs twice, one part after the other, so that items
 * of one key mean the same as when they come alone. A batch without repeats, which is the rule, is one part.
 * @param keysOf what must not repeat within a part
 * @returns the results in the order of the items
 */
export async function settleInParts<Item, Result>(
  items: readonly Item[],
  keysOf: (item: Item) => readonly string[],
  settle: (part: readonly Item[]) => Promise<readonly Result[]>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const part of cutAtRepeats(items, keysOf)) results.push(...(await settle(part)));
  return results;
}

/** Cuts a list before each item one of whose keys occurred since the last cut. */
export function cutAtRepeats<Item>(items: readonly Item[], keysOf: (item: Item) => readonly string[]): Item[][] {
  const parts: Item[][] = [];
  let seen = new Set<string>();
  for (const item of items) {
    const keys = keysOf(item);
    if (parts.length === 0 || keys.some((key) => seen.has(key))) {
      parts.push([]);
      seen = new Set();
    }
    for (const key of keys) seen.add(key);
    parts.at(-1)?.push(item);
  }
  return parts;
}
