import { z } from 'zod';

/** Ids are positive and below 2^53. */
const id = z.number().int().positive().max(Number.MAX_SAFE_INTEGER);
const idInPath = z.coerce.number().int().positive().max(Number.MAX_SAFE_INTEGER);
/** PostgreSQL's text holds any character but NUL. */
const noNul = (text: string): boolean => !text.includes('\u0000');
const text = (lengthMax: number): z.ZodString =>
  z.string().trim().min(1).max(lengthMax).refine(noNul, 'must not contain the character NUL') as z.ZodString;

export const pageSizeMax = 50;

export const postParamsSchema = z.object({ postId: idInPath });
export const pageQuerySchema = z.object({
  /** `nextCursor` of the page before; none for the first. */
  cursor: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(pageSizeMax).default(20),
});

export const postBodySchema = z.object({ body: text(5_000) }).meta({ id: 'PostInput' });
export const commentBodySchema = z.object({ body: text(1_000) }).meta({ id: 'CommentInput' });

export const postSchema = z
  .object({
    id,
    authorId: id,
    body: z.string(),
    createdAt: z.iso.datetime(),
    likes: z.number().int().nonnegative(),
    comments: z.number().int().nonnegative(),
    likedByMe: z.boolean(),
  })
  .meta({ id: 'Post' });

export const postPageSchema = z.object({ items: z.array(postSchema), nextCursor: z.string().nullable() }).meta({ id: 'PostPage' });

export const likeSchema = z
  .object({
    liked: z.boolean(),
    likes: z.number().int().nonnegative(),
    /** Whether this write's row is the one in place; false when the post was liked already, and for an unlike. */
    created: z.boolean(),
  })
  .meta({ id: 'Like' });

export const commentSchema = z
  .object({ id, postId: id, authorId: id, body: z.string(), createdAt: z.iso.datetime() })
  .meta({ id: 'Comment' });

export const commentPageSchema = z
  .object({ items: z.array(commentSchema), nextCursor: z.string().nullable() })
  .meta({ id: 'CommentPage' });

/** Payload of the topic `feed.fan_out`. */
export const fanOutSchema = z.object({ postIds: z.array(id).max(1_000) });

export type PostInput = z.infer<typeof postBodySchema>;
export type CommentInput = z.infer<typeof commentBodySchema>;
export type Post = z.infer<typeof postSchema>;
export type PostPage = z.infer<typeof postPageSchema>;
export type Like = z.infer<typeof likeSchema>;
export type Comment = z.infer<typeof commentSchema>;
export type CommentPage = z.infer<typeof commentPageSchema>;
export type FanOut = z.infer<typeof fanOutSchema>;
