import { exitCodes } from '../../ops/core/error.ts';
import type { ExitCode } from '../../ops/core/error.ts';
import { formatMeasured } from './format.ts';
import type { ThresholdResult } from './thresholds.ts';
import type { ValidityItem } from './validity.ts';

export type Verdict = 'pass' | 'fail' | 'insufficient';

/** A threshold's result, and where nothing was measured what there was instead, for people. */
export type JudgedThreshold = ThresholdResult & { readonly instead?: string | undefined };

/** What the audit found, as far as the verdict cares. */
export interface AuditFindings {
  readonly lost: number;
  readonly duplicated: number;
  /** null where it could not be read. */
  readonly ledgerBalanced: boolean | null;
  /** Why the audit did not end; the run then proves nothing. */
  readonly incomplete?: string | undefined;
}

export interface VerdictInput {
  readonly thresholds: readonly JudgedThreshold[];
  readonly validity: readonly ValidityItem[];
  /** null where there was nothing to audit. */
  readonly audit: AuditFindings | null;
  /** Stopped by a signal. */
  readonly interrupted: boolean;
  /** Which threshold ended the run early, and what it measured. */
  readonly aborted?: string | undefined;
  /** Other reasons why the run proves nothing, such as that it is one share of several. */
  readonly doubts?: readonly string[] | undefined;
  /** Why the scenario's teardown did not end well. */
  readonly teardownFailed?: string | undefined;
}

export interface Judgement {
  readonly verdict: Verdict;
  /** Why, the decisive first; empty for a pass, but for a teardown that failed. */
  readonly reasons: readonly string[];
  readonly exitCode: ExitCode;
}

/**
 * Says what a run proved. Precedence: an audit loss, duplicate or unbalanced ledger is always a
 * fail, and so is a run that a threshold ended, unless its generator was beyond its limits or refused targets: then
 * that, not the system, may be what was measured. Then an interrupted or invalid measurement is insufficient;
 * then thresholds fail; then thresholds that measured nothing and users who got nothing done leave it insufficient
 * (where thresholds failed, that stands: what was not measured cannot undo a failure that was); then pass.
 * A teardown that failed takes nothing from the verdict: it is the last reason, and a run that would end well ends
 * with the exit code of a scenario's error.
 */
export function judgeRun(input: VerdictInput): Judgement {
  const { verdict, reasons, exitCode } = judgeMeasured(input);
  if (input.teardownFailed === undefined) return { verdict, reasons, exitCode };
  return { verdict, reasons: [...reasons, input.teardownFailed], exitCode: exitCode === exitCodes.pass ? exitCodes.scenarioError : exitCode };
}

function judgeMeasured(input: VerdictInput): Judgement {
  const aborted = input.aborted === undefined ? [] : [`aborted: ${input.aborted}`];
  const found = auditReasons(input.audit);
  const isFit = input.validity.every(({ name, ok }) => ok || !ofGenerator.has(name));
  const broken = isFit || found.length > 0 ? [...found, ...aborted] : [];
  const doubts = doubtReasons(input);
  const missed = input.thresholds.filter((result) => result.ok === false).map(thresholdReason);
  const unmeasured = input.thresholds.filter((result) => result.ok === null).map(unmeasuredReason);
  if (broken.length > 0) {
    return { verdict: 'fail', reasons: [...broken, ...doubts, ...unmeasured, ...missed], exitCode: exitCodes.thresholdsFailed };
  }
  if (doubts.length > 0) {
    const exitCode = input.interrupted ? exitCodes.interrupted : exitCodes.insufficient;
    return { verdict: 'insufficient', reasons: [...doubts, ...unmeasured, ...aborted, ...missed], exitCode };
  }
  const idle = input.validity.filter((item) => isCoverage(item) && !item.ok).map((item) => `validity: ${item.text}`);
  if (missed.length > 0) return { verdict: 'fail', reasons: [...missed, ...unmeasured, ...idle], exitCode: exitCodes.thresholdsFailed };
  if (unmeasured.length + idle.length > 0) return { verdict: 'insufficient', reasons: [...unmeasured, ...idle], exitCode: exitCodes.insufficient };
  return { verdict: 'pass', reasons: [], exitCode: exitCodes.pass };
}

/** A failing system keeps users from completing anything, so this item says nothing against the generator. */
const isCoverage = ({ name }: ValidityItem): boolean => name === 'users_completed';

/** Signs that the generator was what was slow, or kept the load to itself; an early end is the cause of none of them. */
const ofGenerator: ReadonlySet<string> = new Set(['lateness_p99', 'loop_delay_p99', 'worker_core_share', 'workers_lost', 'refused_targets']);

/** What is left undone when a run ends early says nothing against it. */
const isCutShort = ({ name }: ValidityItem, { aborted }: VerdictInput): boolean => aborted !== undefined && name === 'unsent';

/** Whether a count of the audit is as it must be: null where none was found, but the audit did not end. */
export function noneFound(count: number, audit: AuditFindings): boolean | null {
  if (count > 0) return false;
  return audit.incomplete === undefined ? true : null;
}

function auditReasons(audit: AuditFindings | null): string[] {
  if (audit === null) return [];
  const reasons: string[] = [];
  if (audit.lost > 0) reasons.push(`audit: ${audit.lost} acknowledged writes lost, limit 0`);
  if (audit.duplicated > 0) reasons.push(`audit: ${audit.duplicated} writes duplicated, limit 0`);
  if (audit.ledgerBalanced === false) reasons.push('audit: the ledger does not balance');
  return reasons;
}

function doubtReasons(input: VerdictInput): string[] {
  const reasons: string[] = [];
  if (input.interrupted) reasons.push('interrupted');
  reasons.push(...(input.doubts ?? []));
  // Before validity: where the system went away in mid-run, the rest only follows from it.
  if (input.audit?.incomplete !== undefined) reasons.push(`audit: ${input.audit.incomplete}`);
  for (const item of input.validity) if (!item.ok && !isCoverage(item) && !isCutShort(item, input)) reasons.push(`validity: ${item.text}`);
  return reasons;
}

/** Says what was seen in place of what a threshold names. */
const unmeasuredReason = ({ expression, instead }: JudgedThreshold): string =>
  `threshold ${expression}: nothing was measured${instead === undefined ? '' : `; ${instead}`}`;

/** `threshold response_time: p(95)<500: measured 612 ms`. */
export function thresholdReason(result: ThresholdResult): string {
  return `threshold ${result.expression}: measured ${result.measured === null ? 'nothing' : formatMeasured(result.metric, result.measured, result.expression)}`;
}
