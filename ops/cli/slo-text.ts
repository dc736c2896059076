/** Objectives and budgets in words, for terminals. */
import { formatDuration } from '../core/duration.ts';
import { renderTable } from './table.ts';
import type { SloDetails, SloStatus } from '../slo/routes.ts';
import { durationText, plain } from '../slo/slo.ts';

const percent = (ratio: number, digits = 4): string => `${Number((ratio * 100).toPrecision(digits))}%`;
const count = (events: number): string => Math.round(events).toLocaleString('en');

/** Below ten a fraction matters: an allowance of 0.03 events is not none. */
const allowance = (events: number): string => (events < 10 ? String(Number(events.toPrecision(2))) : count(events));

/** Share of the budget that is left; nothing where nothing was counted, as an untouched budget would be good news. */
function left({ totalEvents, remainingRatio }: SloStatus['budget']): string | null {
  if (totalEvents === 0) return null;
  return remainingRatio >= -1 ? percent(remainingRatio, 3) : `spent ${times(1 - remainingRatio)}`;
}

/** `10 times`, of a budget. */
const times = (ratio: number): string => `${Number(ratio.toPrecision(3)).toLocaleString('en')} times`;

/** One line an objective, the one with the least budget first. */
export function renderSloList(slos: readonly SloStatus[], nowMs: number): string {
  const rows = [...slos].sort((a, b) => a.budget.remainingRatio - b.budget.remainingRatio).map(({ slo, budget }) => [
    slo.name, percent(slo.targetRatio), durationText(slo.periodMs), budget.goodRatio === undefined ? null : percent(budget.goodRatio, 6),
    left(budget), budget.totalEvents === 0 ? null : `${plain(Number(budget.burn.toPrecision(3)))}x`, exhaustion(budget.exhaustedAtMs, nowMs), slo.owner,
  ]);
  return renderTable(['NAME', 'TARGET', 'PERIOD', 'GOOD', 'BUDGET LEFT', 'BURN 1H', 'EXHAUSTED', 'OWNER'], rows);
}

function exhaustion(atMs: number | undefined, nowMs: number): string | null {
  if (atMs === undefined) return null;
  return atMs <= nowMs ? 'now' : `in ${formatDuration(atMs - nowMs)}`;
}

/** What an objective promises, how it is measured and when it alerts. */
export function renderSlo({ slo, alerts }: SloDetails): string {
  const rows = alerts.map((alert) => [alert.name, alert.severity, durationText(alert.longMs), durationText(alert.shortMs), percent(alert.budgetSpentRatio), plain(alert.factor), percent(alert.thresholdRatio)]);
  return [
    `${slo.displayName} (${slo.name}), service ${slo.service}, owner ${slo.owner}`,
    slo.description,
    `${percent(slo.targetRatio)} of events are good over ${durationText(slo.periodMs)}, rolling`,
    `  ${slo.indicator.counted}: ${slo.indicator.events}\n  total: ${slo.indicator.total}\n`,
    renderTable(['ALERT', 'SEVERITY', 'LONG', 'SHORT', 'BUDGET SPENT', 'FACTOR', 'LIMIT'], rows),
  ].join('\n');
}

/** Where a budget stands and what spent it. */
export function renderBudget({ slo, budget }: SloStatus, nowMs: number): string {
  const incidents = budget.incidents.map(({ id, title, badEvents, budgetRatio }) => [id, count(badEvents), percent(budgetRatio, 3), title]);
  if (budget.totalEvents === 0) return `${slo.displayName}: no events were counted in the last ${durationText(slo.periodMs)}, so nothing is known of its budget\n`;
  const other = budget.allowedEvents === 0 ? 0 : budget.otherBadEvents / budget.allowedEvents;
  const lines = [
    `${slo.displayName}: ${budget.remainingRatio >= 0 ? `${percent(budget.remainingRatio, 3)} of the budget of ${durationText(slo.periodMs)} is left` : `the budget of ${durationText(slo.periodMs)} is spent ${times(1 - budget.remainingRatio)}`}`,
    `  about ${count(budget.badEvents)} of ${count(budget.totalEvents)} events were bad${budget.goodRatio === undefined ? '' : `, ${percent(budget.goodRatio)} were good`}; the objective of ${percent(slo.targetRatio)} allows ${allowance(budget.allowedEvents)} bad ones`,
    `  burn over the last hour ${Number(budget.burn.toPrecision(3))} times the pace that spends it in one period`,
    `  ${outlook(budget.exhaustedAtMs, nowMs)}`,
    ...(budget.coveredRatio < 0.999 ? [`  measured: ${percent(budget.coveredRatio, 3)} of the period; the rest has no samples and counts as nothing`] : []),
    '',
  ];
  return `${lines.join('\n')}\n${renderTable(['SPENT BY', 'BAD EVENTS', 'OF BUDGET', 'TITLE'], [...incidents, ['no incident', count(budget.otherBadEvents), percent(other, 3), null]])}`;
}

function outlook(atMs: number | undefined, nowMs: number): string {
  if (atMs === undefined) return 'at this pace it lasts for the whole period';
  return atMs <= nowMs ? 'the budget is spent: what is risky waits until it has recovered' : `at this pace it is spent in ${formatDuration(atMs - nowMs)}`;
}
