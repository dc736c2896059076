import { formatNumber, formatPercent } from '../report/format.ts';
import { blocksLeast } from '../report/compare/judge-metric.ts';
import { k6TagWarnings } from '../report/thresholds/k6-tags.ts';
import { highestOf } from '../swarm/arrival/levels.ts';
import { blockMs } from '../swarm/blocks.ts';
import { meanOf } from '../swarm/random.ts';
import { activeShare } from './active-share.ts';
import { expectedLoad } from './expected-load.ts';
import type { PreparedRun } from './prepare.ts';

/** Longest duration and shortest think time that are proposed, s. */
const proposalsS = { longest: 86_400, shortestThink: 1 } as const;

/** What can be known before the first request: why a healthy system could not pass this run, and what it leaves unjudged; each with the next step. */
export function foresee(run: PreparedRun): string[] {
  return [...foreseeIdleUsers(run), ...foreseeLowRate(run), ...foreseeUnjudgedPeak(run), ...foreseeFewBlocks(run), ...k6TagWarnings(run.thresholds)];
}

/** Users whose first step falls due only after the end complete nothing; too many of them leave the run INSUFFICIENT. */
function foreseeIdleUsers(run: PreparedRun): string[] {
  const least = run.options.validity.usersCompletedMin;
  // How many there are follows from the arrivals, and they all act.
  if (run.arrival !== '') return [];
  const expected = activeShare(run, run.thinkTimeMs, run.holdMs);
  if (expected >= least) return [];
  const isLongEnough = (holdS: number): boolean => activeShare(run, run.thinkTimeMs, holdS * 1_000) >= least;
  const isQuickEnough = (thinkS: number): boolean => activeShare(run, { kind: 'exponential', mean: thinkS * 1_000 }, run.holdMs) >= least;
  const holdS = nearestTo(Math.ceil(run.holdMs / 1_000), proposalsS.longest, isLongEnough);
  const thinkS = nearestTo(Math.floor(meanOf(run.thinkTimeMs) / 1_000), proposalsS.shortestThink, isQuickEnough);
  const ways = [...(holdS === undefined ? [] : [`--duration ${holdS}s`]), ...(thinkS === undefined ? [] : [`--think ${thinkS}s`])];
  return [`warning: about ${formatPercent(expected)} of the users will complete an operation before the end, limit ≥ ${formatPercent(least)}, so this run is likely to end INSUFFICIENT; give it ${ways.join(' or ') || 'a longer --duration'}`];
}

/** Thresholds that the scenario's own design keeps from being met at so low a rate. */
function foreseeLowRate(run: PreparedRun): string[] {
  const { operationsPerS } = expectedLoad(run);
  const { scenario: { leastPerS = {}, thresholds } } = run;
  return Object.keys(thresholds).flatMap((metric) => {
    const least = Object.hasOwn(leastPerS, metric) ? (leastPerS[metric] ?? 0) : 0;
    if (operationsPerS >= least) return [];
    const users = Math.ceil((run.users * least) / operationsPerS);
    const ways = run.arrival === '' ? `--users ${users}, or a shorter --think` : 'more arrivals a second';
    return [`warning: threshold ${metric} of ${run.scenario.name} can be met from ${formatNumber(least)} operations/s on, and this run makes about ${formatNumber(operationsPerS)}; give it ${ways}`];
  });
}

/** A comparison needs so many whole blocks of both sides; a shorter hold leaves the run INSUFFICIENT. */
function foreseeFewBlocks({ options: { baseline }, holdMs }: PreparedRun): string[] {
  const leastMs = blocksLeast * blockMs;
  if (baseline.names.length + baseline.last === 0 || holdMs >= leastMs) return [];
  return [`warning: --baseline compares ${blocksLeast} whole blocks of ${blockMs / 1_000} s or more, and this run holds for ${holdMs / 1_000} s, so it is likely to end INSUFFICIENT; give it --duration ${leastMs / 1_000}s or longer`];
}

/** Stages above all that are judged, such as a spike: a run with them may pass whatever they did to the system. */
function foreseeUnjudgedPeak({ segments, rampMs, holdMs, arrivalsPerS }: PreparedRun): string[] {
  const [peak, judged] = [highestOf(segments), highestOf(segments.filter(({ fromMs, toMs }) => fromMs >= rampMs && toMs <= rampMs + holdMs))];
  if (peak <= judged) return [];
  const unit = arrivalsPerS === undefined ? ' users' : '/s';
  const seconds = (valueMs: number): number => Number((valueMs / 1_000).toFixed(3));
  return [`warning: thresholds judge ${seconds(rampMs)} s to ${seconds(rampMs + holdMs)} s, of at most ${formatNumber(judged)}${unit}, and not the peak of ${formatNumber(peak)}${unit}; to judge it too, mark its stage in the scenario's arrival with judged: true`];
}

/** The whole number nearest to `from` on the way to `bound` that is enough, where what is nearer to `bound` is more so. */
function nearestTo(from: number, bound: number, isEnough: (value: number) => boolean): number | undefined {
  if (!isEnough(bound)) return undefined;
  let [short, enough] = [from, bound];
  if (isEnough(short)) return short;
  while (Math.abs(enough - short) > 1) {
    const between = Math.trunc((short + enough) / 2);
    if (isEnough(between)) enough = between;
    else short = between;
  }
  return enough;
}
