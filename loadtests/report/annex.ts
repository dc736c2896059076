import type { Histogram } from '../swarm/histogram.ts';
import { isOfCheck } from '../swarm/journey/tag-sets.ts';
import type { CheckSample, RunMeasurement, TagSample } from '../swarm/measurement.ts';
import type { Annex, AnnexQuantiles, TagRow } from './annex-schema.ts';
import { mergeSamples, ratioOf } from './hold.ts';
import type { Hold } from './hold.ts';
import { arrivalsCutOf, arrivalsQueuedOf, namesBeyondOf, sumBeyond } from './tagged.ts';

/** Rows that a summary keeps of each: more than a reader takes in, and a few 100 kB at most. */
const rowsMax = 500;

/** Checks, tags, late arrivals and names beyond their bounds, as a summary tells them. Pure. */
export function annexOf(run: RunMeasurement, hold: Pick<Hold, 'durationS'>): Annex {
  const arrivalsQueued = arrivalsQueuedOf(run.workers);
  const arrivalsCut = arrivalsCutOf(run.workers);
  const namesBeyond = namesBeyondOf(run.workers);
  const checks = (run.checks ?? []).filter(({ phase }) => phase === 'hold');
  const tags = (run.tags ?? []).filter(({ phase, name }) => phase === 'hold' && !isOfCheck(name));
  return {
    ...(checks.length === 0 ? {} : { checks: checksOf(checks) }),
    ...(tags.length === 0 ? {} : { tags: tagsOf(tags, hold.durationS) }),
    ...(arrivalsQueued === undefined ? {} : { arrivalsQueued }),
    ...(arrivalsCut === undefined ? {} : { arrivalsCut }),
    ...(sumBeyond(namesBeyond, undefined) === 0 ? {} : { namesBeyond }),
  };
}

function checksOf(samples: readonly CheckSample[]): NonNullable<Annex['checks']> {
  const sum = (name: 'total' | 'failed'): number => samples.reduce((total, sample) => total + sample[name], 0);
  const rows = samples.toSorted((a, b) => b.failed - a.failed || b.total - a.total).slice(0, rowsMax);
  return {
    total: sum('total'),
    failed: sum('failed'),
    rows: rows.map(({ name, op, total, failed }) => ({ name, op, total, failed })),
    omitted: samples.length - rows.length,
  };
}

function tagsOf(samples: readonly TagSample[], durationS: number): NonNullable<Annex['tags']> {
  const byTag = [...Map.groupBy(samples, ({ name, value }) => JSON.stringify([name, value])).values()];
  const busiest = byTag.map((of) => ({ of, total: of.reduce((sum, sample) => sum + sample.total, 0) })).toSorted((a, b) => b.total - a.total).slice(0, rowsMax);
  const rows = busiest.map(({ of }) => tagRow(of, durationS));
  return { rows: rows.toSorted((a, b) => compareText(a.name, b.name)), omitted: byTag.length - rows.length };
}

const compareText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** @param samples all of one tag */
function tagRow(samples: readonly TagSample[], durationS: number): TagRow {
  const { total, failed, refused, requests, requestsFailed, requestDuration, times } = mergeSamples(samples);
  const sum = (name: 'checks' | 'checksFailed'): number => samples.reduce((all, sample) => all + sample[name], 0);
  return {
    name: samples[0]?.name ?? '',
    value: samples[0]?.value ?? '',
    operations: { total, perS: ratioOf(total, durationS), failed, failedRatio: ratioOf(failed, total), refused },
    responseMs: quantilesOf(times.response),
    requests: { total: requests, failed: requestsFailed, failedRatio: ratioOf(requestsFailed, requests), durationMs: quantilesOf(requestDuration) },
    ...(sum('checks') === 0 ? {} : { checks: { total: sum('checks'), failed: sum('checksFailed') } }),
  };
}

function quantilesOf(histogram: Histogram): AnnexQuantiles {
  if (histogram.count === 0) return { p50: null, p95: null, p99: null, max: null };
  const { p50, p95, p99, max } = histogram.quantilesMs();
  return { p50, p95, p99, max };
}
