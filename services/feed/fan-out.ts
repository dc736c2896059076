import type { Database, Statement } from '../platform/database.ts';
import type { Job } from '../platform/domain.ts';
import { fanOutSchema, type FanOut } from './schemas.ts';

export interface FanOutOptions {
  /** Timeline rows inserted in one transaction at most. Default 5,000. */
  readonly stepSize?: number;
  /** Rows a user's timeline is trimmed to. Default 800. */
  readonly timelineMax?: number;
  /**
   * A timeline is trimmed at one insert in this many, so between trims it holds about as many rows
   * more than `timelineMax`. Looking at 800 rows for each insert would cost more than the insert.
   * Default 16.
   */
  readonly trimEvery?: number;
}

const step: Statement = {
  name: 'feed_fan_out',
  repeatable: true,
  text: 'select post_id, follower_id from feed_fan_out($1, $2, $3, $4, $5, $6)',
};

/**
 * The job that puts new posts into their author's followers' timelines, in steps of one transaction
 * each. Delivered twice it changes nothing; interrupted it starts over.
 */
export function createFanOutJob(db: Database, options: FanOutOptions = {}): Job<FanOut> {
  const { stepSize = 5_000, timelineMax = 800, trimEvery = 16 } = options;
  return {
    topic: 'feed.fan_out',
    payload: fanOutSchema,
    async handle(payloads) {
      const postIds = [...new Set(payloads.flatMap((payload) => payload.postIds))].sort((a, b) => a - b);
      let last = { post_id: 0, follower_id: 0 };
      // Ends: each step's last pair is greater than the one before, and there are finitely many.
      for (;;) {
        const [row] = await db.query<typeof last>(step, [postIds, last.post_id, last.follower_id, stepSize, timelineMax, trimEvery]);
        if (row === undefined) return;
        last = row;
      }
    },
  };
}
