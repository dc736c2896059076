import type { Annex } from './annex-schema.ts';
import { formatMs, formatNumber, formatPercent } from './format.ts';
import type { Summary } from './summary-schema.ts';

/** What a summary says beyond its operations. */
export type Noted = Annex & Partial<Pick<Summary, 'latencyMs'>>;

const shownMax = 8;

/** Checks, those with the most failures first. */
export function checkLines({ checks }: Annex): string[] {
  if (checks === undefined) return [];
  const shown = checks.rows.slice(0, shownMax);
  const rest = checks.rows.length + checks.omitted - shown.length;
  return [
    `${formatNumber(checks.total - checks.failed)} of ${formatNumber(checks.total)} passed${checks.failed === 0 ? '' : `, ${formatNumber(checks.failed)} failed`}`,
    ...shown.map(({ name, op, total, failed }) => `${failed === 0 ? '✓' : '✗'} ${name} in ${op}: ${formatNumber(total - failed)} of ${formatNumber(total)}`),
    ...moreLine(rest),
  ];
}

/** One line a tag, the busiest first. */
export function tagLines({ tags }: Annex): string[] {
  if (tags === undefined) return [];
  const busiest = tags.rows.toSorted((a, b) => b.operations.total - a.operations.total).slice(0, shownMax);
  return [
    ...busiest.map(({ name, value, operations, responseMs, requests }) =>
      `${name}=${value}: ${formatNumber(operations.total)} operations, ${formatPercent(operations.failedRatio)} failed, response p95 ${formatMs(responseMs.p95)}; ${formatNumber(requests.total)} requests, ${formatPercent(requests.failedRatio)} failed, p95 ${formatMs(requests.durationMs.p95)}`),
    ...moreLine(tags.rows.length + tags.omitted - busiest.length),
  ];
}

const moreLine = (count: number): string[] => (count === 0 ? [] : [`and ${formatNumber(count)} more, see the report`]);

/** Why response times may hold more than the system's: what a run that failed must say beside what it failed by. */
export function waitReasons({ arrivalsQueued, latencyMs }: Noted): string[] {
  return [...(arrivalsQueued === undefined || arrivalsQueued === 0 ? [] : [arrivalsSentence(arrivalsQueued)]), ...waitLines(latencyMs?.poolWait)];
}

/** What waited or came late, and what was counted under another name. */
export function noteLines({ arrivalsQueued, arrivalsCut, namesBeyond, latencyMs }: Noted): string[] {
  return [
    ...waitLines(latencyMs?.poolWait),
    ...(arrivalsQueued === undefined ? [] : [arrivalsSentence(arrivalsQueued)]),
    ...(arrivalsCut === undefined ? [] : [`${cutText(arrivalsCut)} in a pause, and what came after was never done; a longer --duration shows more of it`]),
    ...(namesBeyond === undefined ? [] : [beyondSentence(namesBeyond)]),
  ];
}

/** From here on waiting for a connection is told, ms. */
const waitTold = { p50: 10, p99: 50 } as const;

/** Users that share connections may wait for one, which their response times hold and service times do not. */
function waitLines(wait: Summary['latencyMs']['poolWait'] | undefined): string[] {
  if (wait === undefined || ((wait.p50 ?? 0) < waitTold.p50 && (wait.p99 ?? 0) < waitTold.p99)) return [];
  return [`operations waited for a connection of the pool: p50 ${formatMs(wait.p50)}, p99 ${formatMs(wait.p99)}, which response times hold and service times do not; --sockets N gives more of them, --transport per-user one for each user`];
}

function arrivalsSentence(count: number): string {
  if (count === 0) return 'every arrival found a free user';
  return `${formatNumber(count)} ${count === 1 ? 'arrival' : 'arrivals'} found every user busy and began late; none was dropped, and response times count from when each was due (--users N or usersMax gives more users)`;
}

/** `60 of 65 arrivals were cut short by the end`. */
export const cutText = ({ cut, begun }: NonNullable<Annex['arrivalsCut']>): string => `${formatNumber(cut)} of ${formatNumber(begun)} arrivals were cut short by the end`;

function beyondSentence(beyond: NonNullable<Annex['namesBeyond']>): string {
  const parts = (['operations', 'tags', 'checks'] as const).filter((kind) => beyond[kind] > 0).map((kind) => `${kind} ${formatNumber(beyond[kind])} times`);
  return `counted as (other), as their names came beyond the bound of such names: ${parts.join(', ')}; leave ids out of names`;
}
