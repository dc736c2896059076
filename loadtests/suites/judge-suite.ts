import { exitCodes } from '../../ops/core/error.ts';
import { lastWordOf } from '../capacity/harness-run.ts';
import { spentTogether } from '../report/spent.ts';
import type { Summary } from '../report/summary-schema.ts';
import { isBroken } from './checks.ts';
import type { Check, PartResult, SuiteResult } from './result-schema.ts';
import type { Part } from './suite-schema.ts';

/** A run of a part, as far as it got. */
export interface PartRun {
  readonly runId: string;
  readonly scenario: string;
  /** Undefined when it ended before it measured. */
  readonly summary: Summary | undefined;
  readonly said: string;
  /** Why it was stopped, where it took too long. */
  readonly overdue?: string | undefined;
}

/**
 * Judges a part with the precedence of runs: what an audit must never find fails; then a run that is
 * missing or proves nothing makes it insufficient; then a missed check fails, and so does a run of a part that must
 * pass as a whole and failed, such as one that a threshold ended; then it passes.
 */
export function judgePart(part: Part, runs: readonly PartRun[], checks: readonly Check[], tookS: number): PartResult {
  const measured = runs.flatMap(({ summary }) => summary ?? []);
  const broken = measured.some(isBroken);
  const missing = runs.filter(({ summary }) => summary === undefined).map((run) => `${run.scenario} ended before it measured: ${lastWordOf(run)}`);
  const doubts = runs.flatMap(({ scenario, summary, overdue }) => (summary?.verdict === 'insufficient' ? [`${scenario}: ${overdue ?? summary.reasons[0] ?? 'proves nothing'}`] : []));
  const failed = measured.filter((summary) => isBroken(summary) || (mustPass(part) && summary.verdict === 'fail'));
  const missed = checks.filter(({ ok }) => ok === false).map(({ text }) => text);
  const unknown = checks.filter(({ ok }) => ok === null).map(({ text }) => text);
  const unsure = [...missing, ...doubts, ...unknown];
  const verdict = broken ? 'fail' : unsure.length > 0 ? 'insufficient' : missed.length + failed.length > 0 ? 'fail' : 'pass';
  // A run that passed has a reason only where its teardown failed.
  const beside = measured.flatMap(({ scenario, verdict: own, reasons }) => (own === 'pass' ? reasons.map((reason) => `${scenario}: ${reason}`) : []));
  const amiss = [...failed.flatMap(ownReasons), ...missed];
  return {
    ...headOf(part), verdict, broken, needs: [], checks: [...checks], tookS,
    reasons: verdict === 'pass' ? beside : broken ? [...amiss, ...unsure] : [...unsure, ...amiss],
    used: spentTogether(measured.map(({ resources }) => resources)),
    runs: measured.map((summary) => ({
      runId: summary.runId, scenario: summary.scenario, achievedPerS: summary.operations.achievedPerS, p95Ms: summary.latencyMs.response.p95,
      failedRatio: summary.operations.failedRatio, verdict: summary.verdict,
    })),
  };
}

/** Runs of a spike and of a search may miss thresholds; that is what these parts are for. */
const mustPass = ({ kind }: Part): boolean => kind === 'run' || kind === 'soak';

/** Why a run failed; its thresholds are checks of the part already. */
const ownReasons = ({ scenario, reasons }: Summary): string[] => reasons.filter((reason) => !reason.startsWith('threshold ')).map((reason) => `${scenario}: ${reason}`);

const headOf = ({ name, kind, target }: Part): Pick<PartResult, 'name' | 'kind' | 'target'> => ({ name, kind, target });

/** A part that was left out because something it needs is not there. */
export function notRun(part: Part, needs: readonly string[]): PartResult {
  return { ...headOf(part), verdict: 'not-run', reasons: [`not run: needs ${needs.join(', ')}`], needs: [...needs], broken: false, checks: [], runs: [], tookS: 0 };
}

export interface SuiteFacts {
  readonly suiteId: string;
  readonly suite: string;
  readonly description: string;
  readonly target: string;
  readonly scale: number;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly interrupted: boolean;
}

/**
 * Judges a suite: a failed part fails it, then anything not run or not proved makes it insufficient,
 * then it passes. At a scale below 1 only an audit can fail it, and nothing can pass it.
 */
export function judgeSuite(facts: SuiteFacts, parts: readonly PartResult[]): SuiteResult {
  const isScaled = facts.scale < 1;
  const reasonsOf = (wanted: (part: PartResult) => boolean): string[] => parts.filter(wanted).map(({ name, reasons }) => `${name}: ${reasons[0] ?? 'no reason is known'}`);
  const failed = reasonsOf(({ verdict, broken }) => verdict === 'fail' && (broken || !isScaled));
  const softened = isScaled ? reasonsOf(({ verdict, broken }) => verdict === 'fail' && !broken) : [];
  const doubts = [
    ...(facts.interrupted ? ['interrupted'] : []),
    ...(isScaled ? [`scaled to ${facts.scale} of its rates and durations, which proves nothing about the whole`] : []),
    ...reasonsOf(({ verdict }) => verdict === 'insufficient' || verdict === 'not-run'),
  ];
  const beside = reasonsOf(({ verdict, reasons }) => verdict === 'pass' && reasons.length > 0);
  const { interrupted, startedAtMs, endedAtMs, ...head } = facts;
  const verdict = failed.length > 0 ? 'fail' : doubts.length > 0 ? 'insufficient' : 'pass';
  return {
    schema: 'sora.suite/v1', ...head, startedAt: new Date(startedAtMs).toISOString(), endedAt: new Date(endedAtMs).toISOString(),
    verdict, reasons: [...failed, ...doubts, ...softened, ...beside], parts: [...parts],
    exitCode: verdict === 'fail' ? exitCodes.thresholdsFailed : interrupted ? exitCodes.interrupted : verdict === 'insufficient' ? exitCodes.insufficient : beside.length > 0 ? exitCodes.scenarioError : exitCodes.pass,
  };
}
