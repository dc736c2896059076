/** The link in a notification that acknowledges its group: who has the link may acknowledge that group, for a day. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { SoraError } from '../../core/error.ts';
import { digest } from '../routing/message.ts';

/** How long a link serves. */
export const ackLinkMs = 86_400_000;

export interface AckToken {
  /** `groupIdOf` of the group. */
  readonly groupId: string;
  readonly expiresAtMs: number;
}

/** 32 hexadecimal digits that name a group in links and on the command line. */
export function groupIdOf(groupKey: string): string {
  return digest(groupKey);
}

/** `ID.EXPIRY.SIGNATURE`, safe in a path. */
export function signAck(key: string, { groupId, expiresAtMs }: AckToken): string {
  const body = `${groupId}.${Math.floor(expiresAtMs / 1_000).toString(36)}`;
  return `${body}.${signatureOf(key, body)}`;
}

/**
 * @throws SoraError 404 for a token that is not ours, 410 for one whose day is over
 */
export function readAck(key: string, token: string, nowMs: number): AckToken {
  const [, body = '', groupId = '', expiry = '', signature = ''] = /^(([0-9a-f]{32})\.([0-9a-z]{1,10}))\.([\w-]{43})$/.exec(token) ?? [];
  const expected = signatureOf(key, body);
  // Compared whole, so that the time tells nothing of how much of it was right.
  if (signature.length !== expected.length || !timingSafeEqual(Buffer.from(signature), Buffer.from(expected))) {
    throw new SoraError('unknown_link', 'this link is not one of ours', { status: 404, hint: 'open the link as it stands in the notification, or use sora alerts ack' });
  }
  const expiresAtMs = Number.parseInt(expiry, 36) * 1_000;
  if (nowMs >= expiresAtMs) throw new SoraError('expired_link', 'this link is older than a day and no longer acknowledges', { status: 410, hint: 'use the link of a newer notification, or sora alerts ack' });
  return { groupId, expiresAtMs };
}

function signatureOf(key: string, body: string): string {
  return createHmac('sha256', key).update(`sora-ack/${body}`).digest('base64url');
}
