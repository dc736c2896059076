/** How alerts belong to a load run or drill, and how they leave it: what outlasts it by far was not caused by it alone. */
import type { AlertInstance } from '../alert.ts';

export interface Rehearsing {
  /** Load run or drill of alerts that become active now; undefined for none. */
  readonly id: string | undefined;
  /** For how long one has been over; 0 while it is under way. */
  overForMs(id: string): number;
  /** An alert that still holds that long after the end of its load run or drill is no part of it any more. */
  readonly settleMs: number;
}

/** @param alert one whose expression holds */
export function hasLeft({ rehearsalId, state }: AlertInstance, rehearsing: Rehearsing): boolean {
  return rehearsalId !== undefined && state !== 'resolved' && rehearsing.overForMs(rehearsalId) > rehearsing.settleMs;
}

/** The same alert as if it had begun now, but for its times: usually without a rehearsal. */
export function withoutRehearsal(alert: AlertInstance, { id }: Rehearsing): AlertInstance {
  const { rehearsalId: _, ...own } = alert;
  return id === undefined ? own : { ...own, rehearsalId: id };
}
