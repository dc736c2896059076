import type { Timers } from './host.ts';

/**
 * Waits for work, but not for ever: what is not done in time goes on by itself.
 * @returns whether it was done in time
 * @throws what the work throws in time; what it throws later is nobody's
 */
export async function waitAtMost(timers: Pick<Timers, 'sleep'>, limitMs: number, work: Promise<unknown>): Promise<boolean> {
  const over = new AbortController();
  try {
    return await Promise.race([work.then(() => true), timers.sleep(limitMs, over.signal).then(() => false, () => false)]);
  } finally {
    over.abort();
  }
}
