import { createHmac, createSecretKey, timingSafeEqual, type KeyObject } from 'node:crypto';
import type { Clock } from '../../ops/core/host.ts';
import { unauthorized } from '../platform/problem.ts';

/** `t=<seconds since 1970>,v1=<hex HMAC-SHA256 of "t.body">`; several v1 while a secret is rotated. */
export const signatureHeader = 'payment-signature';

/** How far a signature's time may be from ours, in seconds: replays older than that are refused. */
export const signatureToleranceS = 300;

/** A key made once: HMAC with a raw secret costs five times as much. */
export const webhookKey = (secret: string): KeyObject => createSecretKey(Buffer.from(secret, 'utf8'));

/** @throws Problem 401 `bad_signature` unless the body was signed with `key` within the tolerance */
export function verifySignature(clock: Clock, key: KeyObject, header: unknown, body: Buffer): void {
  if (typeof header !== 'string' || header.length > 1_000) throw unauthorized('bad_signature', `the header ${signatureHeader} is missing or malformed`, 'Signature');
  const parts = header.split(',').map((part) => part.trim());
  const stamp = parts.find((part) => part.startsWith('t='))?.slice(2) ?? '';
  if (!/^\d{1,12}$/.test(stamp)) throw unauthorized('bad_signature', `the header ${signatureHeader} names no time; expected t=<seconds>,v1=<hex>`);
  const expected = createHmac('sha256', key).update(`${stamp}.`).update(body).digest();
  const given = parts.filter((part) => part.startsWith('v1=')).map((part) => Buffer.from(part.slice(3), 'hex'));
  if (!given.some((one) => one.length === expected.length && timingSafeEqual(one, expected))) {
    throw unauthorized('bad_signature', 'the signature does not match the body; check PAYMENTS_WEBHOOK_SECRET on both sides', 'Signature');
  }
  // Judged after the signature, so that a stranger learns nothing about our clock.
  const offS = Math.round(clock.nowMs() / 1_000) - Number(stamp);
  if (Math.abs(offS) > signatureToleranceS) {
    throw unauthorized('stale_signature', `the signature is ${offS} s old; ${signatureToleranceS} s are allowed`, 'Signature');
  }
}
