import { badRequest } from '../platform/problem.ts';

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

/** A post on a page as the batch statement names it: everything but its text. */
export interface PostRef {
  readonly id: number;
  readonly version: number;
  /** Digits as the database wrote them; they go into the reply unparsed. */
  readonly likes: string;
  readonly comments: string;
}

/** Reads `id version likes comments`. */
export function parseRef(item: string): PostRef {
  const [id = '', version = '', likes = '', comments = ''] = item.split(' ');
  return { id: Number(id), version: Number(version), likes, comments };
}

/** The part of a post's JSON that only an edit changes, without the closing brace. */
export function headOf(post: { id: number; authorId: number; body: string; createdAt: Date }): Buffer {
  const json = JSON.stringify({ id: post.id, authorId: post.authorId, body: post.body, createdAt: post.createdAt.toISOString() });
  return Buffer.from(json.slice(0, -1), 'utf8');
}

/** The part of a post's JSON that differs by moment and reader. */
export function tailOf(ref: PostRef, liked: boolean): string {
  return `,"likes":${ref.likes},"comments":${ref.comments},"likedByMe":${liked}}`;
}

const pageStart = '{"items":[';

/**
 * Puts a page together from ready parts: `heads[i]` and `tails[i]` are the halves of one post. One
 * allocation and one copy, no serialisation.
 */
export function joinPage(heads: readonly Buffer[], tails: readonly string[], nextCursor: string | null): Buffer {
  const end = nextCursor === null ? '],"nextCursor":null}' : `],"nextCursor":"${nextCursor}"}`;
  let sizeBytes = pageStart.length + end.length + Math.max(0, heads.length - 1);
  for (let index = 0; index < heads.length; index++) {
    sizeBytes += (heads[index]?.length ?? 0) + (tails[index]?.length ?? 0);
  }
  const page = Buffer.allocUnsafe(sizeBytes);
  let at = page.write(pageStart, 0, 'latin1');
  for (let index = 0; index < heads.length; index++) {
    const head = heads[index] as Buffer;
    at += head.copy(page, at);
    // A comma after each but the last; parts are ASCII, hence one byte a character.
    at += page.write(index < heads.length - 1 ? `${tails[index]},` : (tails[index] ?? ''), at, 'latin1');
  }
  page.write(end, at, 'latin1');
  return page;
}
