/** xxHash64 of a label set, as Prometheus hashes it for `limit_ratio` (`labels.Labels.Hash`). */
import { labelValue } from '../matchers.ts';
import type { Labels } from '../series.ts';

const prime1 = 11_400_714_785_074_694_791n;
const prime2 = 14_029_467_366_897_019_727n;
const prime3 = 1_609_587_929_392_839_161n;
const prime4 = 9_650_029_242_287_828_579n;
const prime5 = 2_870_177_450_012_600_261n;

const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);
const rotate = (value: bigint, bits: bigint): bigint => wrap((value << bits) | (value >> (64n - bits)));
const round = (state: bigint, input: bigint): bigint => wrap(rotate(wrap(state + input * prime2), 31n) * prime1);
const merge = (hash: bigint, state: bigint): bigint => wrap((hash ^ round(0n, state)) * prime1 + prime4);

/** xxHash64 with seed 0. */
export function xxHash64(bytes: Uint8Array): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  let hash = prime5;
  if (bytes.length >= 32) {
    let states = [wrap(prime1 + prime2), prime2, 0n, wrap(-prime1)];
    for (; at + 32 <= bytes.length; at += 32) states = states.map((state, lane) => round(state, view.getBigUint64(at + lane * 8, true)));
    hash = wrap([1n, 7n, 12n, 18n].reduce((sum, bits, lane) => sum + rotate(states[lane] ?? 0n, bits), 0n));
    for (const state of states) hash = merge(hash, state);
  }
  hash = wrap(hash + BigInt(bytes.length));
  for (; at + 8 <= bytes.length; at += 8) hash = wrap(rotate(hash ^ round(0n, view.getBigUint64(at, true)), 27n) * prime1 + prime4);
  if (at + 4 <= bytes.length) {
    hash = wrap(rotate(hash ^ wrap(BigInt(view.getUint32(at, true)) * prime1), 23n) * prime2 + prime3);
    at += 4;
  }
  for (; at < bytes.length; at += 1) hash = wrap(rotate(hash ^ wrap(BigInt(view.getUint8(at)) * prime5), 11n) * prime1);
  hash = wrap((hash ^ (hash >> 33n)) * prime2);
  hash = wrap((hash ^ (hash >> 29n)) * prime3);
  return hash ^ (hash >> 32n);
}

/** A number in [0, 1) that is always the same for the same labels. */
export function hashLabels(labels: Labels): number {
  const separator = Buffer.from([0xff]);
  const parts = Object.keys(labels).sort().flatMap((name) => [Buffer.from(name), separator, Buffer.from(labelValue(labels, name)), separator]);
  return Number(xxHash64(Buffer.concat(parts))) / 2 ** 64;
}
