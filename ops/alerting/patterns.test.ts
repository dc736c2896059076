import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, it } from 'vitest';

// In a thread of its own, which is ended should one of the patterns never come to an end.
it('matches evil patterns in matchers, routes, silences and templates without hanging', async () => {
  const worker = new Worker(new URL('patterns.worker.ts', import.meta.url));
  try {
    const [answers] = await once(worker, 'message', { signal: AbortSignal.timeout(25_000) });
    expect(answers).toEqual(Array.from({ length: 10 }, () => [false, false, false, false, false]));
  } finally {
    await worker.terminate();
  }
}, 30_000);
