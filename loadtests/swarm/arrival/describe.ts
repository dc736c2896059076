import { createHash } from 'node:crypto';
import { assertNever } from '../../../ops/core/error.ts';
import type { RunPlan } from '../plan.ts';
import type { Segment } from './levels.ts';
import { arrivalsPerS } from './plan-arrival.ts';

/** Stages that are written out; the others stand as a hash, so that the text is below some 350 characters. */
const writtenMost = 6;

/**
 * How work arrives, for people: `in 2 stages: 0 to 100 in 60 s, 100 for 60 s; judged from 60 s to 120 s`; empty for a
 * population of the ramp. Runs of one kind are known by it, so it differs wherever levels, their times or what is judged do.
 */
export function describeArrival({ arrival, rampMs, holdMs }: RunPlan): string {
  switch (arrival?.kind) {
    case undefined:
      return '';
    case 'users':
      return `in ${describeStages(arrival.segments, rampMs, holdMs)}`;
    case 'rate':
    case 'sessions': {
      const perS = Number((arrivalsPerS(arrival, rampMs, holdMs) ?? 0).toFixed(2));
      return `${arrival.kind === 'rate' ? 'iterations' : 'sessions'} arrive at ${perS}/s (${arrival.spacing}), ${describeStages(arrival.segments, rampMs, holdMs)}`;
    }
    case 'iterations':
      return `${arrival.iterations} iterations shared`;
    default:
      return assertNever(arrival);
  }
}

function describeStages(segments: readonly Segment[], rampMs: number, holdMs: number): string {
  const texts = segments.map(describeSegment);
  const rest = texts.slice(writtenMost);
  const others = rest.length === 0 ? '' : ` and ${rest.length} more (${createHash('sha256').update(rest.join()).digest('hex').slice(0, 8)})`;
  const judged = `judged from ${seconds(rampMs)} to ${seconds(rampMs + holdMs)}`;
  return `${texts.length === 1 ? '1 stage' : `${texts.length} stages`}: ${texts.slice(0, writtenMost).join(', ')}${others}; ${judged}`;
}

function describeSegment({ from, to, fromMs, toMs }: Segment): string {
  if (from === to) return `${level(to)} for ${seconds(toMs - fromMs)}`;
  return `${level(from)} to ${level(to)} ${toMs > fromMs ? `in ${seconds(toMs - fromMs)}` : 'at once'}`;
}

/** Whole for any number of users; a third of an arrival a second has an end. */
const level = (value: number): number => Number(value.toPrecision(8));
const seconds = (valueMs: number): string => `${Number((valueMs / 1_000).toFixed(3))} s`;
