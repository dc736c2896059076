import { createdReply, keyReused } from '../platform/idempotency.ts';
import { forbidden, notFound, type Problem } from '../platform/problem.ts';
import { route, type Route } from '../platform/route.ts';
import { cutPage, decodeCursor } from '../platform/keyset.ts';
import {
  commentBodySchema, commentPageSchema, commentSchema, likeSchema, pageQuerySchema, postBodySchema, postPageSchema,
  postParamsSchema, postSchema,
} from './schemas.ts';
import type { ChangeOutcome, FeedStore } from './store.ts';

const noPost = (postId: number): Problem => notFound('post_not_found', `there is no post ${postId}, or it was deleted`);

function check(outcome: ChangeOutcome, postId: number): void {
  if (outcome === 'not_found') throw noPost(postId);
  if (outcome === 'not_author') throw forbidden('not_author', `post ${postId} is another user's: only its author may change it`);
}

/** The feed's HTTP operations. */
export function feedRoutes(store: FeedStore): Route[] {
  return [...postRoutes(store), ...reactionRoutes(store)];
}

function postRoutes(store: FeedStore): Route[] {
  return [
    route({
      method: 'get',
      path: '/feed',
      operationId: 'getFeed',
      hot: true,
      summary: 'A page of the home timeline, newest first',
      auth: 'user',
      query: pageQuerySchema,
      responses: { 200: postPageSchema },
      handle: async ({ userId, query }) => ({
        status: 200,
        json: await store.home({ userId, beforeId: decodeCursor(query.cursor), limit: query.limit }),
      }),
    }),
    route({
      method: 'post',
      path: '/posts',
      operationId: 'createPost',
      summary: 'Make a post; a retry with the same key answers as the first try did',
      auth: 'user',
      idempotent: true,
      body: postBodySchema,
      responses: { 201: postSchema },
      async handle({ userId, writeId, body }) {
        const post = await store.createPost({ authorId: userId, writeId, body: body.body });
        if (post === 'key_reused') throw keyReused(writeId, 'post');
        return createdReply(post.row, !post.created);
      },
    }),
    route({
      method: 'get',
      path: '/posts/{postId}',
      operationId: 'getPost',
      hot: true,
      summary: 'One post',
      auth: 'user',
      params: postParamsSchema,
      responses: { 200: postSchema },
      async handle({ userId, params }) {
        const json = await store.post(userId, params.postId);
        if (json === undefined) throw noPost(params.postId);
        return { status: 200, json };
      },
    }),
    route({
      method: 'patch',
      path: '/posts/{postId}',
      operationId: 'editPost',
      summary: "Change one's own post",
      auth: 'user',
      params: postParamsSchema,
      body: postBodySchema,
      responses: { 200: postSchema },
      async handle({ userId, params, body }) {
        check(await store.editPost(userId, params.postId, body.body), params.postId);
        const json = await store.post(userId, params.postId);
        if (json === undefined) throw noPost(params.postId);
        return { status: 200, json };
      },
    }),
    route({
      method: 'delete',
      path: '/posts/{postId}',
      operationId: 'deletePost',
      summary: "Delete one's own post",
      auth: 'user',
      params: postParamsSchema,
      responses: { 204: null },
      async handle({ userId, params }) {
        check(await store.deletePost(userId, params.postId), params.postId);
        return { status: 204 };
      },
    }),
  ];
}

function reactionRoutes(store: FeedStore): Route[] {
  return [
    route({
      method: 'put',
      path: '/posts/{postId}/like',
      operationId: 'likePost',
      hot: true,
      summary: 'Like a post: 201 when this write made the like, 200 when it was liked before',
      auth: 'user',
      idempotent: true,
      params: postParamsSchema,
      responses: { 201: likeSchema, 200: likeSchema },
      async handle({ userId, params, writeId }) {
        const liked = await store.like(userId, params.postId, writeId);
        if (liked === undefined) throw noPost(params.postId);
        if (liked === 'key_reused') throw keyReused(writeId, 'like');
        const { likes, created, replayed } = liked;
        const body = { liked: true, likes, created };
        return created ? createdReply(body, replayed) : { status: 200, body };
      },
    }),
    route({
      method: 'delete',
      path: '/posts/{postId}/like',
      operationId: 'unlikePost',
      summary: 'Take a like back; the row of the like goes with it',
      auth: 'user',
      params: postParamsSchema,
      responses: { 200: likeSchema },
      async handle({ userId, params }) {
        const likes = await store.unlike(userId, params.postId);
        if (likes === undefined) throw noPost(params.postId);
        return { status: 200, body: { liked: false, likes, created: false } };
      },
    }),
    route({
      method: 'get',
      path: '/posts/{postId}/comments',
      operationId: 'listComments',
      summary: 'A page of comments, newest first',
      auth: 'user',
      params: postParamsSchema,
      query: pageQuerySchema,
      responses: { 200: commentPageSchema },
      async handle({ params, query }) {
        const found = await store.comments(params.postId, decodeCursor(query.cursor), query.limit);
        if (found === undefined) throw noPost(params.postId);
        return { status: 200, body: cutPage(found, query.limit) };
      },
    }),
    route({
      method: 'post',
      path: '/posts/{postId}/comments',
      operationId: 'createComment',
      summary: 'Comment on a post; a retry with the same key answers as the first try did',
      auth: 'user',
      idempotent: true,
      params: postParamsSchema,
      body: commentBodySchema,
      responses: { 201: commentSchema },
      async handle({ userId, params, writeId, body }) {
        const comment = await store.createComment({ postId: params.postId, authorId: userId, writeId, body: body.body });
        if (comment === undefined) throw noPost(params.postId);
        if (comment === 'key_reused') throw keyReused(writeId, 'comment');
        return createdReply(comment.row, !comment.created);
      },
    }),
  ];
}
