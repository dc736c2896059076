import { invalidConfig } from '../../ops/core/error.ts';
import type { Distribution } from '../swarm/scenario.ts';
import type { Kept } from './har-select.ts';

/** Requests that belong to one act of the user. */
export interface Act {
  /** Indices among the kept requests. */
  readonly requests: readonly number[];
  /** From the start of the act before to the start of this one, bounded; undefined for the first. */
  readonly pauseMs: number | undefined;
}

/** A quiet time this long is somebody thinking. */
const quietMs = 300;
const pauseMinMs = 100;
/** The engine counts each act as an operation of its own, and takes this many. */
const actsMax = 500;

/** When a request was sent, ms since the epoch. */
export const startOf = ({ entry }: Kept): number => Date.parse(entry.startedDateTime);
/** When its reply had come. */
export const endOf = (kept: Kept): number => startOf(kept) + Math.max(0, kept.entry.time ?? 0);

/**
 * Divides a recording into acts: a new one begins after 300 ms of quiet, on another page, and with
 * each write. What a redirect leads to belongs to the act that was redirected.
 * @throws SoraError `invalid_config` on more than 500
 */
export function divideIntoActs(kept: readonly Kept[], pauseMaxMs: number): Act[] {
  const acts: number[][] = [];
  let quietSinceMs = Number.NEGATIVE_INFINITY;
  kept.forEach((each, index) => {
    const before = kept[index - 1];
    const current = acts.at(-1);
    if (before === undefined || current === undefined || beginsAct(before, each, startOf(each) - quietSinceMs)) acts.push([index]);
    else current.push(index);
    quietSinceMs = Math.max(quietSinceMs, endOf(each));
  });
  if (acts.length > actsMax) throw invalidConfig(`the recording holds ${acts.length} acts of its user; the limit is ${actsMax}`, 'record a shorter visit');
  const startMs = (act: readonly number[] | undefined): number => startOf(kept[act?.[0] ?? 0]!); // Acts are made of indices of `kept`.
  return acts.map((requests, index) => ({
    requests,
    pauseMs: index === 0 ? undefined : Math.min(pauseMaxMs, Math.max(pauseMinMs, startMs(requests) - startMs(acts[index - 1]))),
  }));
}

function beginsAct(before: Kept, next: Kept, quietForMs: number): boolean {
  const { status } = before.entry.response;
  if (status >= 300 && status < 400 && status !== 304 && next.method === 'GET') return false;
  if (quietForMs >= quietMs || next.entry.pageref !== before.entry.pageref) return true;
  return next.method !== 'GET' && next.method !== 'HEAD';
}

/** A recorded pause with half of it either way, so that users do not act in step; its mean is the pause. */
export function pauseOf(pauseMs: number): Distribution {
  return { kind: 'uniform', from: Math.round(pauseMs / 2), to: Math.round(pauseMs * 1.5) };
}
