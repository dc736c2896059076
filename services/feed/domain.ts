import type { Domain, Job, Platform } from '../platform/domain.ts';
import { createBatchedFeedStore } from './batched-store.ts';
import { createFanOutJob, type FanOutOptions } from './fan-out.ts';
import { feedRoutes } from './routes.ts';
import { createFeedStore } from './store.ts';

export interface FeedOptions extends FanOutOptions {
  /** Authors with more followers than this are not fanned out; timelines pull their posts. Default 10,000. */
  readonly largeFollowersMin?: number;
  /** Memory for the texts of posts, estimated with overheads. Default 256 MiB. */
  readonly cacheMaxBytes?: number;
  /** Newest posts that `warmUp` loads at most. Default 500,000, or what the cache holds. */
  readonly warmPostsMax?: number;
}

/** Posts, home timelines, likes and comments. */
export function createFeed(platform: Platform, options: FeedOptions = {}): Domain {
  const { largeFollowersMin = 10_000, cacheMaxBytes = 256 * 1024 * 1024, warmPostsMax = 500_000 } = options;
  const plain = createFeedStore(platform.db, largeFollowersMin);
  const store = createBatchedFeedStore(platform, plain, { largeFollowersMin, cacheMaxBytes });
  return {
    name: 'feed',
    routes: feedRoutes(store),
    jobs: [createFanOutJob(platform.db, options) as Job<unknown>],
    auditedWrites: [
      { kind: 'post', table: 'posts', userColumn: 'author_id', writeIdColumn: 'write_id' },
      { kind: 'like', table: 'post_likes', userColumn: 'user_id', writeIdColumn: 'write_id' },
      { kind: 'comment', table: 'post_comments', userColumn: 'author_id', writeIdColumn: 'write_id' },
    ],
    async warmUp() {
      const startMs = platform.host.clock.monotonicMs();
      const posts = await store.warmUp(warmPostsMax);
      platform.log.info({ posts, durationMs: Math.round(platform.host.clock.monotonicMs() - startMs) }, 'post cache warmed');
    },
  };
}
