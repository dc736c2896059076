import { badRequest } from './problem.ts';

/** Before the first item of any list. */
export const newestId = Number.MAX_SAFE_INTEGER;

/** The opaque cursor that continues a list below `id`. */
export function encodeCursor(id: number): string {
  return Buffer.from(`i${id}`, 'latin1').toString('base64url');
}

/**
 * The id that a cursor stands for; `newestId` without one.
 * @throws Problem 400 `invalid_cursor`
 */
export function decodeCursor(cursor: string | undefined): number {
  if (cursor === undefined) return newestId;
  const match = /^i([1-9]\d{0,15})$/.exec(Buffer.from(cursor, 'base64url').toString('latin1'));
  const id = match === null ? Number.NaN : Number(match[1]);
  if (!Number.isSafeInteger(id)) {
    throw badRequest('invalid_cursor', 'cursor is none of ours: pass nextCursor of the page before as it came, or leave it out');
  }
  return id;
}

/** Cuts a list that was read one item beyond `limit`, and says where the next page starts. */
export function cutPage<Item extends { readonly id: number }>(
  found: readonly Item[],
  limit: number,
): { items: Item[]; nextCursor: string | null } {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, nextCursor: found.length > limit && last !== undefined ? encodeCursor(last.id) : null };
}
