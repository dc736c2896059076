/** Writes the rules of an objective: what is recorded, and its burn-rate alerts. */
import { burnAlertsOf } from './burn-windows.ts';
import type { BurnAlert } from './burn-windows.ts';
import { budgetRatioOf, durationText, plain } from './slo.ts';
import type { Slo } from './slo.ts';

/** One rule in Prometheus' format, without its YAML. */
export interface GeneratedRule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Series of bad and of all events a second, over 5 min: every longer window is an average of these. */
export const badRateSeries = 'slo:bad_events:rate5m';
export const totalRateSeries = 'slo:total_events:rate5m';
const baseMs = 300_000;

/** `api-availability` and 1h become `ApiAvailabilityBurn1h`. */
export function burnAlertName(slo: Pick<Slo, 'name'>, longMs: number): string {
  const words = slo.name.split('-').map((word) => `${word.charAt(0).toUpperCase()}${word.slice(1)}`);
  return `${words.join('')}Burn${durationText(longMs)}`;
}

export const burnRunbook = (slo: Pick<Slo, 'name'>): string => `runbooks/slo-${slo.name}.md`;

export const errorRatioSeries = (windowMs: number): string => `slo:error_ratio:rate${durationText(windowMs)}`;

/**
 * The recording rules, then the alerts. Rates are summed before they are divided and averaged before they are divided,
 * so a window weighs its events, not its minutes; and a counter that restarts is a rate, never a step back.
 */
export function burnRulesOf(slo: Slo): GeneratedRule[] {
  const alerts = burnAlertsOf(slo);
  const windows = [...new Set(alerts.flatMap(({ longMs, shortMs }) => [shortMs, longMs]))].sort((a, b) => a - b);
  const labels = { slo: slo.name };
  return [
    { record: totalRateSeries, expr: rateOf(slo.indicator.total), labels },
    { record: badRateSeries, expr: badRate(slo), labels },
    ...windows.map((windowMs) => ({ record: errorRatioSeries(windowMs), expr: errorRatio(slo, windowMs), labels })),
    ...alerts.map((alert) => alertOf(slo, alert)),
  ];
}

const rateOf = (selector: string): string => `sum(rate(${selector}[${durationText(baseMs)}]))`;

/** A counter that does not exist yet has counted nothing, as long as there are events at all. */
function badRate({ indicator: { counted, events, total } }: Slo): string {
  const counts = `(${rateOf(events)} or ${rateOf(total)} * 0)`;
  return counted === 'bad' ? counts : `clamp_min(${rateOf(total)} - ${counts}, 0)`;
}

function errorRatio({ name }: Slo, windowMs: number): string {
  const [bad, total] = [badRateSeries, totalRateSeries].map((series) => {
    const selector = `${series}{slo="${name}"}`;
    return windowMs === baseMs ? selector : `avg_over_time(${selector}[${durationText(windowMs)}])`;
  });
  return `${bad} / ${total}`;
}

function alertOf(slo: Slo, { severity, longMs, shortMs, thresholdRatio, budgetSpentRatio, factor }: BurnAlert): GeneratedRule {
  const [long, short, period] = [longMs, shortMs, slo.periodMs].map(durationText);
  const threshold = plain(thresholdRatio);
  const select = (series: string): string => `${series}{slo="${slo.name}"}`;
  const badEvents = badEventsOf(select(badRateSeries), longMs);
  const times = plain(factor);
  return {
    alert: burnAlertName(slo, longMs),
    expr: [
      '(',
      `  ${select(errorRatioSeries(longMs))}`,
      `  and ${select(errorRatioSeries(shortMs))} > ${threshold}`,
      `  and ${badEvents} >= ${slo.badEventsMin}`,
      `) > ${threshold}`,
    ].join('\n'),
    labels: { severity, owner: slo.owner, service: slo.service, slo: slo.name },
    annotations: {
      summary: `${slo.displayName}: {{ $value | humanizePercentage }} of events are bad`,
      description: `Over ${long} and ${short} the share of bad events was above ${percent(thresholdRatio)}, ${times} times what the objective of ${percent(slo.targetRatio)} leaves: the budget of ${period} loses ${percent(budgetSpentRatio)} in ${long}.`,
      impact: `${badEvents} # bad events in ${long}`,
      runbook: burnRunbook(slo),
      reason: `Budget share ${percent(budgetSpentRatio)} · period ${period} / window ${long} = factor ${times}; times a budget of ${percent(budgetRatioOf(slo))} that is ${percent(thresholdRatio)}. The window of ${short} ends it soon after the fault. Fewer than ${slo.badEventsMin} failures prove nothing.`,
    },
  };
}

/**
 * How many events of the window were bad: rates, each times the time for which it stands. An average times the window would take what
 * a young series has seen for the whole window's; and of the counters themselves a day would be too much to read at each evaluation.
 */
function badEventsOf(selector: string, windowMs: number): string {
  // In steps of the rates' own 5 min each event counts once. An hour pages somebody, so its last minutes count too.
  const stepMs = Math.min(baseMs, windowMs / 60);
  return `sum_over_time(${selector}[${durationText(windowMs)}:${durationText(stepMs)}]) * ${stepMs / 1_000}`;
}

const percent = (ratio: number): string => `${plain(ratio * 100)} %`;
