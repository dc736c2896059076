import { deflateSync } from 'node:zlib';
import { maxTrackableUs } from '../swarm/histogram.ts';
import type { SparseHistogram } from '../swarm/measurement.ts';

/**
 * HdrHistogram's V2 encoding, after the comments of its Java source (AbstractHistogram.encodeIntoByteBuffer,
 * ZigZagEncoding). Our buckets are its buckets: lowest value 1, 3 significant digits, index for index.
 */
const cookie = 0x1c849313;
const compressedCookie = 0x1c849314;
const headerBytes = 40;
const compressedHeaderBytes = 8;
const significantDigits = 3;

/** A histogram as its standard tools read it: compressed, in Base64. Values are µs. */
export function encodeHdr(sparse: SparseHistogram): string {
  const counts = encodeCounts(sparse);
  const plain = Buffer.alloc(headerBytes + counts.length);
  plain.writeInt32BE(cookie, 0);
  plain.writeInt32BE(counts.length, 4);
  plain.writeInt32BE(0, 8); // normalizing index offset
  plain.writeInt32BE(significantDigits, 12);
  plain.writeBigInt64BE(1n, 16); // lowest discernible value
  plain.writeBigInt64BE(BigInt(maxTrackableUs), 24);
  plain.writeDoubleBE(1, 32); // integer to double conversion ratio
  plain.set(counts, headerBytes);
  const deflated = deflateSync(plain);
  const head = Buffer.alloc(compressedHeaderBytes);
  head.writeInt32BE(compressedCookie, 0);
  head.writeInt32BE(deflated.length, 4);
  return Buffer.concat([head, deflated]).toString('base64');
}

/** Counts in order of their buckets; a run of empty ones as its negative length, a single one as 0. */
function encodeCounts(sparse: SparseHistogram): Uint8Array {
  const bytes: number[] = [];
  let next = 0;
  for (let at = 0; at + 1 < sparse.length; at += 2) {
    const empty = sparse[at]! - next;
    if (empty > 0) putZigZag(bytes, empty === 1 ? 0 : -empty);
    putZigZag(bytes, sparse[at + 1]!);
    next = sparse[at]! + 1;
  }
  return Uint8Array.from(bytes);
}

/** A whole number of at most 53 bits as ZigZag LEB128; the ninth byte that longer ones need never comes. */
function putZigZag(bytes: number[], value: number): void {
  let rest = value >= 0 ? value * 2 : -value * 2 - 1;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
}
