/**
 * Ids of writes: run (8), user (10), step (6) and hash (8) hex digits, written as a UUID. The audit
 * recognises a run by the first group and sums the last 32 bits of the ids.
 */

/** The 8 hex digits that stand for a run: the run's id itself where it has that form. */
export function runDigits(runId: string): string {
  if (/^[0-9a-f]{8}$/.test(runId)) return runId;
  let hash = 0x811c9dc5;
  for (let at = 0; at < runId.length; at++) hash = Math.imul(hash ^ runId.charCodeAt(at), 0x01000193);
  return hex(mix(hash), 8);
}

/**
 * The id of the `sub`-th write of a user's step.
 * @param run 8 hex digits, see `runDigits`
 * @param user below 2^40
 * @param step below 2^24
 */
export function writeIdOf(run: string, user: number, step: number, sub: number): string {
  const userDigits = hex(user, 10);
  const stepDigits = hex(step, 6);
  const hash = mix(mix(mix(Number.parseInt(run, 16) ^ user) ^ Math.imul(step, 0x9e3779b9)) ^ (sub + 0x85ebca6b));
  return (
    `${run}-${userDigits.slice(0, 4)}-${userDigits.slice(4, 8)}-${userDigits.slice(8)}${stepDigits.slice(0, 2)}` +
    `-${stepDigits.slice(2)}${hex(hash >>> 0, 8)}`
  );
}

/** What one id adds to its user's checksum. */
export function checksumOf(id: string): number {
  return Number.parseInt(id.slice(-8), 16);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** A bijection of 32 bits in which each input bit moves about half of the output's. */
function mix(value: number): number {
  let mixed = Math.imul(value ^ (value >>> 16), 0x21f0aaad);
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
  return (mixed ^ (mixed >>> 15)) >>> 0;
}
