import { assertNever } from '../../ops/core/error.ts';
import { cutText } from './annex-text.ts';
import { formatMs, formatNumber, formatPercent, formatSeconds } from './format.ts';
import type { Summary } from './summary-schema.ts';

/** The verdict in one sentence: what was shown, or why not. The same in terminal and report. */
export function verdictSentence(summary: Summary): string {
  const arrived = summary.arrival === undefined ? '' : ` (${summary.arrival})`;
  const load = `${summary.arrivalsQueued === undefined ? '' : 'up to '}${formatNumber(summary.users)} users${arrived} with a mean think time of ${formatNumber(summary.thinkTimeS)} s`;
  const [first, ...rest] = summary.reasons;
  const more = rest.length === 0 ? '' : `, and ${rest.length} more ${rest.length === 1 ? 'reason' : 'reasons'}`;
  switch (summary.verdict) {
    case 'pass':
      return `${load} did ${formatNumber(summary.operations.achievedPerS)} operations a second for ${formatSeconds(holdSeconds(summary))}; every threshold was met${failedClause(summary)}${cutClause(summary)}${auditClause(summary)} and the measurement is valid${first === undefined ? '' : `, but ${first}${more}`}.`;
    case 'fail':
      return `${load} were not served as required: ${first ?? 'a threshold was missed'}${more}.`;
    case 'insufficient':
      return `This run proves nothing about ${load}: ${first ?? 'the measurement is not valid'}${more}.`;
    default:
      return assertNever(summary.verdict);
  }
}

/** So many that a pass deserves a word: thresholds may look elsewhere, as those of requests do where a journey threw. */
const failedNotable = 0.01;

const failedClause = ({ operations: { failedRatio } }: Summary): string => (failedRatio < failedNotable ? '' : ` although ${formatPercent(failedRatio)} of operations failed`);

/** Where most visits did not end, their last steps are hardly shown. */
const cutClause = ({ arrivalsCut }: Summary): string => (arrivalsCut === undefined || arrivalsCut.cut * 2 < arrivalsCut.begun ? '' : ` although ${cutText(arrivalsCut)}`);

/** How steps were paced, for people. */
export function modelSentence(summary: Summary): string {
  if (summary.generator.tool !== 'sora') {
    return summary.pace === 'due'
      ? `scheduled by ${summary.generator.tool}: operations fall due at a planned rate, and their response times count from there`
      : `closed, by ${summary.generator.tool}: each user goes on when its last step has ended`;
  }
  if (summary.arrivalsQueued !== undefined) {
    return summary.pace === 'due'
      ? 'open (pace: due): arrivals and their steps fall due whatever the replies, and response times count from there'
      : 'partly open (pace: after-reply): arrivals fall due whatever the replies, and their steps one think time after the previous reply';
  }
  return summary.pace === 'due'
    ? 'scheduled (pace: due): each step is due one think time after the previous due time, and its response time counts from there'
    : 'closed (pace: after-reply): each step is due one think time after the previous reply';
}

/** Errors, rate and latency in a line. */
export function loadSentence(summary: Summary): string {
  const { response } = summary.latencyMs;
  return `${formatNumber(summary.operations.total)} operations in the hold, ${formatPercent(summary.operations.failedRatio)} failed, response p95 ${formatMs(response.p95)}`;
}

/** How long the hold lasted. */
export function holdSeconds(summary: Summary): number {
  return summary.phases.find((phase) => phase.name === 'hold')?.durationS ?? 0;
}

function auditClause(summary: Summary): string {
  if (summary.audit === null) return '';
  return `, none of ${formatNumber(summary.audit.acknowledgedWrites)} acknowledged writes was lost or doubled`;
}
