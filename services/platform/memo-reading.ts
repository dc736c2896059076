import type { Host } from '../../ops/core/host.ts';

export interface MemoOptions {
  /** A value younger than this is answered again. Default 2,000 ms. */
  readonly memoMs?: number;
  /** Longest wait of one caller. Default 1,000 ms. */
  readonly waitMs?: number;
}

/**
 * Lets metrics be read from a database that may hang: one reading at a time however many scrape, each waited for at
 * most `waitMs`. A frozen database thus costs a scrape a second, and never the process's other metrics.
 * @returns the value, or undefined where the reading failed or takes too long
 */
export function memoReading<Value>(host: Host, read: () => Promise<Value>, options: MemoOptions = {}): () => Promise<Value | undefined> {
  const { memoMs = 2_000, waitMs = 1_000 } = options;
  const { clock, timers } = host;
  let readAtMs = -Infinity;
  let isUnderWay = false;
  let current: Promise<Value | undefined> = Promise.resolve(undefined);
  return async () => {
    const nowMs = clock.monotonicMs();
    if (!isUnderWay && nowMs - readAtMs >= memoMs) {
      readAtMs = nowMs;
      isUnderWay = true;
      current = read().catch(() => undefined).finally(() => {
        isUnderWay = false;
      });
    }
    const limit = new AbortController();
    try {
      return await Promise.race([current, timers.sleep(waitMs, limit.signal).then(() => undefined)]);
    } finally {
      limit.abort();
    }
  };
}
