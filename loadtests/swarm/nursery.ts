/** Where a worker's short-lived objects live: sized by the rate, and in memory from the start. */

const bounds = { leastMb: 8, mostMb: 64 };
/**
 * A million users at 2,500 operations/s kept a worker collecting for 16 % of its time with 8 MB. More costs memory
 * and gains nothing: 10,000 users at 5,000/s took the same time with a half of 8, 16 and 64 MB. At full speed over 1,000
 * connections, where much is in flight, 64 MB took a tenth less than 8.
 */
const operationsPerSOfMb = 250;
/** V8 copies what survives from one half to the other, so both are touched. */
const halves = 2;
const wordBytes = 8;
const chunkWords = 4_096;

/** Size of a half of the nursery, MB, the nearest power of two. @param ratePerS operations a second of one worker */
export function nurseryMbFor(ratePerS: number): number {
  const wanted = Math.min(bounds.mostMb, Math.max(bounds.leastMb, ratePerS / operationsPerSOfMb));
  return 2 ** Math.round(Math.log2(wanted));
}

/**
 * Flags of V8 for a worker. The nursery begins at its full size, or its growth in the first minute would count as
 * the users'. Helper threads that wait for a busy core hold a collection up longer than they shorten it.
 */
export const nurseryFlags = (mb: number): string[] => [`--min-semi-space-size=${mb}`, `--max-semi-space-size=${mb}`, '--no-parallel-scavenge'];

/** Writes to the whole nursery once, so that its memory is there before the first user. */
export function touchNursery(mb: number): void {
  const chunk = Array.from({ length: chunkWords }, (_, word) => word + 0.5);
  let kept = chunk;
  for (let bytes = 0; bytes < mb * 1_048_576 * halves; bytes += chunkWords * wordBytes) kept = chunk.slice();
  // Used, so that the loop is not optimised away.
  if (kept.length !== chunkWords) throw new Error('the nursery was not touched');
}
