/** When groups are evaluated: at multiples of their interval plus an offset of their own, so that not all run at once. */
import { fingerprintOf } from '../alert.ts';
import { groupKey } from './rule.ts';
import type { RuleGroup } from './rule.ts';

/** The same for the same group at any time and in any process. */
export function offsetOf(group: RuleGroup, intervalMs: number): number {
  return Number(BigInt(`0x${fingerprintOf({ group: groupKey(group) })}`) % BigInt(intervalMs));
}

/** The last time at or before `nowMs` at which the group is due. */
export function slotBefore(nowMs: number, intervalMs: number, offsetMs: number): number {
  return Math.floor((nowMs - offsetMs) / intervalMs) * intervalMs + offsetMs;
}
