import { Registry } from 'prom-client';
import { describe, expect, it } from 'vitest';
import { PostCache, type TextRow } from './post-cache.ts';
import { joinPage, parseChanges, type PagePart } from './rules.ts';
import * as fc from 'fast-check';

const row = (id: number, body = 'text', version = 1): TextRow => ({
  id, author_id: 1, body, created_at: new Date(0), version, likes: 0, comments: 0, deleted: false,
});

describe('PostCache', () => {
  it('stays within its bytes and keeps what is read', () => {
    const cache = new PostCache(3_000, new Registry());
    for (let id = 1; id <= 100; id++) {
      cache.put(row(id));
      cache.get(1);
      expect(cache.sizeBytes).toBeLessThanOrEqual(3_000);
    }
    expect(cache.count).toBeGreaterThan(5);
    expect(cache.get(1)).toBeDefined();
    expect(cache.get(2)).toBeUndefined();
  });

  it('moves counts on, and drops a post whose version moved on', () => {
    const cache = new PostCache(10_000, new Registry());
    cache.put(row(1));
    cache.put(row(2));
    cache.apply(parseChanges('1 1 5 2,2 2 0 0,3 1 1 1'));
    expect(cache.get(1)?.counts).toBe(',"likes":5,"comments":2,"likedByMe":');
    expect(cache.get(2)).toBeUndefined();
    expect(cache.get(3)).toBeUndefined();
    expect(cache.count).toBe(1);
  });

  it('keeps nothing of size 0 and still answers', () => {
    const cache = new PostCache(0, new Registry());
    expect(cache.put(row(1)).head).toContain('"id":1');
    expect(cache.count).toBe(0);
  });
});

it('joins parts to the very JSON that serialising would give, in any script', () => {
  const post = fc.record({ id: fc.nat(), body: fc.string({ unit: 'grapheme' }), likes: fc.nat(), comments: fc.nat(), liked: fc.boolean() });
  fc.assert(
    fc.property(fc.array(post, { maxLength: 5 }), fc.option(fc.constant('abc')), (posts, nextCursor) => {
      const cache = new PostCache(1_000_000, new Registry());
      const parts = posts.map(({ id, body, likes, comments, liked }): PagePart => ({ ...cache.put({ ...row(id, body), likes, comments }), liked }));
      const expected = posts.map(({ id, body, likes, comments, liked }) => ({
        id, authorId: 1, body, createdAt: new Date(0).toISOString(), likes, comments, likedByMe: liked,
      }));
      expect(joinPage(parts, nextCursor).toString('utf8')).toBe(JSON.stringify({ items: expected, nextCursor }));
    }),
  );
});
