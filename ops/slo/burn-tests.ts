/** Writes the unit tests of an objective's alerts, for `promtool test rules` and SORA's own runner. */
import { parsePromql } from '../metricstore/promql/parse.ts';
import type { Matcher } from '../metricstore/series.ts';
import { burnAlertsOf } from './burn-windows.ts';
import type { BurnAlert } from './burn-windows.ts';
import { burnAlertName, burnRulesOf } from './burn-rules.ts';
import { durationText, plain } from './slo.ts';
import type { Slo } from './slo.ts';

/** Two samples in every window of 5 min; evaluations as far apart as the windows allow keep the tests quick. */
const sampleMs = 120_000;
const evaluationMs = 300_000;
/** The base of 5 min, and an evaluation later. */
const settleMs = 600_000;
/** Events in a sample's time at ordinary traffic. */
const eventsPerSample = 1_200;

interface Phase {
  readonly samples: number;
  readonly badRatio: number;
}

/** Each alert stays silent just below its limit, fires above it, and ends; and stays silent with too few failures, over its window or when there is no more history yet. */
export function burnTestsOf(slo: Slo): object {
  return {
    rule_files: [`../rules/slo-${slo.name}.yaml`],
    evaluation_interval: durationText(evaluationMs),
    tests: burnAlertsOf(slo).flatMap((alert) => [burnTest(slo, alert), guardTest(slo, alert), youngTest(slo, alert)]),
  };
}

function burnTest(slo: Slo, alert: BurnAlert): object {
  const { longMs, shortMs, thresholdRatio } = alert;
  const badRatio = plain(Math.min(2 * thresholdRatio, (1 + thresholdRatio) / 2));
  const before = upTo(Math.max(longMs / 4, 2 * settleMs));
  // For long enough that the long window holds nothing else, so that its value is the ratio itself.
  const during = upTo(longMs + settleMs);
  const after = upTo(shortMs + 2 * settleMs);
  const phases = [
    { samples: before / sampleMs, badRatio: 0.8 * thresholdRatio },
    { samples: during / sampleMs, badRatio },
    { samples: after / sampleMs, badRatio: 0 },
  ];
  const name = burnAlertName(slo, longMs);
  return {
    name: `${name} fires above ${plain(thresholdRatio * 100)} %, not below, and ends`,
    interval: durationText(sampleMs),
    input_series: inputs(slo, phases, eventsPerSample),
    alert_rule_test: [
      { eval_time: durationText(before), alertname: name, exp_alerts: [] },
      { eval_time: durationText(before + during), alertname: name, exp_alerts: [expected(slo, name, badRatio)] },
      { eval_time: durationText(before + during + after), alertname: name, exp_alerts: [] },
    ],
  };
}

function guardTest(slo: Slo, { longMs, thresholdRatio }: BurnAlert): object {
  const name = burnAlertName(slo, longMs);
  const lengthMs = upTo(longMs + settleMs);
  const badRatio = plain((1 + thresholdRatio) / 2);
  const events = (0.8 * slo.badEventsMin * sampleMs) / longMs / badRatio;
  return {
    name: `${name} stays silent where fewer than ${slo.badEventsMin} events are bad`,
    interval: durationText(sampleMs),
    input_series: inputs(slo, [{ samples: lengthMs / sampleMs, badRatio }], events),
    alert_rule_test: [{ eval_time: durationText(lengthMs), alertname: name, exp_alerts: [] }],
  };
}

/** What the first minutes show is all there was, and not the pace of a whole window. */
function youngTest(slo: Slo, { longMs, thresholdRatio }: BurnAlert): object {
  const name = burnAlertName(slo, longMs);
  const badRatio = plain((1 + thresholdRatio) / 2);
  const samples = settleMs / sampleMs;
  return {
    name: `${name} stays silent where fewer than ${slo.badEventsMin} events are bad and there were no others before`,
    interval: durationText(sampleMs),
    input_series: inputs(slo, [{ samples, badRatio }], (0.8 * slo.badEventsMin) / samples / badRatio),
    alert_rule_test: [settleMs / 2, settleMs].map((atMs) => ({ eval_time: durationText(atMs), alertname: name, exp_alerts: [] })),
  };
}

/** To a whole number of evaluations, which are whole numbers of samples every second time. */
const upTo = (durationMs: number): number => Math.ceil(durationMs / settleMs) * settleMs;

function expected(slo: Slo, name: string, badRatio: number): object {
  const rule = burnRulesOf(slo).find((each) => each.alert === name);
  const shown = `${Number((badRatio * 100).toPrecision(4))}%`;
  const annotations = Object.entries(rule?.annotations ?? {}).map(([key, text]) => [key, text.replaceAll('{{ $value | humanizePercentage }}', shown)]);
  return { exp_labels: rule?.labels ?? {}, exp_annotations: Object.fromEntries(annotations) };
}

function inputs({ indicator: { counted, events, total } }: Slo, phases: readonly Phase[], perSample: number): object[] {
  const shares = phases.map(({ samples, badRatio }) => ({ samples, ratio: counted === 'bad' ? badRatio : 1 - badRatio }));
  const all = phases.map(({ samples }) => ({ samples, ratio: 1 }));
  const [eventsName, totalName] = [exampleOf(events), exampleOf(total)];
  // Where the events counted are a part of the total's own series, the total needs its other part only.
  const isPart = matches(total, events);
  const rest = shares.map(({ samples, ratio }) => ({ samples, ratio: isPart ? 1 - ratio : 1 }));
  return [
    { series: eventsName, values: cumulate(shares, perSample) },
    { series: isPart ? restName(events, total) : totalName, values: cumulate(isPart ? rest : all, perSample) },
  ];
}

/** A counter that grows evenly in each phase, in the notation of Prometheus' tests. */
function cumulate(phases: readonly { readonly samples: number; readonly ratio: number }[], perSample: number): string {
  let count = 0;
  return phases.map(({ samples, ratio }, at) => {
    const step = plain(ratio * perSample);
    const start = at === 0 ? 0 : plain(count + step);
    count = at === 0 ? step * samples : count + step * samples;
    return `${start}+${step}x${at === 0 ? samples : samples - 1}`;
  }).join(' ');
}

const matchersOf = (selector: string): readonly Matcher[] => {
  const expr = parsePromql(selector);
  return expr.kind === 'selector' ? expr.matchers : [];
};

/** A series that the selector finds: of alternatives the first, of a pattern its shortest text. */
function exampleOf(selector: string): string {
  const labels = matchersOf(selector).flatMap(({ name, operator, value }): [string, string][] => {
    if (operator === '=' ) return [[name, value]];
    if (operator === '=~') return [[name, shortest(value)]];
    return [];
  });
  return seriesName(new Map(labels));
}

const shortest = (pattern: string): string => (pattern.split('|')[0] ?? '').replaceAll(/\.[*+]/g, 'x').replaceAll(/[()\\]/g, '').replaceAll('.', '0');

/** Whether both select the same metric and the events only narrow the total. */
function matches(total: string, events: string): boolean {
  const [wide, narrow] = [matchersOf(total), matchersOf(events)];
  return wide.every((matcher) => narrow.some((other) => other.name === matcher.name && (matcher.name !== '__name__' || other.value === matcher.value)));
}

/** A series of the total that is none of the events: a label that only the events ask for says `other`. */
function restName(events: string, total: string): string {
  const wide = new Map(matchersOf(total).map((matcher) => [matcher.name, matcher]));
  const labels = matchersOf(events).filter(({ operator }) => operator === '=' || operator === '=~').map(({ name, operator, value }): [string, string] => {
    const asked = wide.get(name);
    if (asked === undefined) return [name, 'other'];
    if (asked.operator !== '=~') return [name, asked.value];
    const taken = operator === '=' ? [value] : value.split('|');
    return [name, shortest(asked.value.split('|').find((each) => asked.value === value || !taken.includes(each)) ?? '')];
  });
  return seriesName(new Map(labels));
}

function seriesName(labels: ReadonlyMap<string, string>): string {
  const rest = [...labels].filter(([name]) => name !== '__name__').map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return `${labels.get('__name__') ?? ''}{${rest.join(', ')}}`;
}
