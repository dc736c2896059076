/** Evaluates one rule: its query, its templates, and for an alerting rule one step of its alerts' lives. */
import { fingerprintOf } from '../alert.ts';
import { messageOf } from '../../core/error.ts';
import { childrenOf, selectorsOf } from '../../metricstore/promql/expr.ts';
import type { Expr } from '../../metricstore/promql/expr.ts';
import type { Labels, SampleSource } from '../../metricstore/series.ts';
import { advanceRule } from '../lifecycle/advance.ts';
import { markersOf } from '../lifecycle/samples.ts';
import type { Advance, AlertElement, Evaluation, RuleState } from '../lifecycle/state.ts';
import { expandTemplate } from '../template/template.ts';
import type { TemplateWorld } from '../template/functions.ts';
import { queryVector, watchSource } from './query.ts';
import type { QuerySettings, VectorElement } from './query.ts';
import type { Rehearsing } from '../lifecycle/rehearsing.ts';
import type { RehearsalsNow } from './rehearsal.ts';
import type { AlertRule, RecordRule, Rule } from './rule.ts';

/** Alerts of one rule; above, the rule fails and its alerts stay as they are. */
const alertsMax = 10_000;

export interface EvaluationWorld {
  readonly source: SampleSource;
  /** Labels of this Prometheus, for templates. */
  readonly externalLabels: Labels;
  readonly externalUrl: string;
  readonly query: QuerySettings;
  /** Wall time at which the evaluation began; default the time that is evaluated. */
  readonly startedAtMs?: number;
  /** Load runs and drills, under way and over. */
  readonly rehearsals?: RehearsalsNow | undefined;
}

/** Evaluates a rule at `nowMs`; an error becomes the rule's health and is not thrown. */
export async function evaluateRule(rule: Rule, previous: RuleState, world: EvaluationWorld, nowMs: number): Promise<Advance> {
  if (rule.kind === 'record') return await evaluateRecord(rule, previous, world, nowMs);
  return advanceRule(rule, previous, await evaluateAlert(rule, world, nowMs), nowMs, rehearsingOf(rule, previous, world));
}

/** After the end of a load run or drill its traces go: out of the targets themselves, */
const settleMs = 5 * 60_000;
/** and out of the shortest window that the expression looks back over, of which no more than this counts. */
const windowMaxMs = 30 * 60_000;

function rehearsingOf(rule: AlertRule, previous: RuleState, { rehearsals }: EvaluationWorld): Rehearsing | undefined {
  if (rehearsals === undefined) return undefined;
  const ranges = previous.alerts.some(({ rehearsalId }) => rehearsalId !== undefined) ? rangesOf(rule.expr) : [];
  const windowMs = ranges.length === 0 ? 0 : Math.min(windowMaxMs, ...ranges);
  return { id: rehearsals.idOf(rule), overForMs: (id) => rehearsals.overForMs(id), settleMs: settleMs + windowMs };
}

function rangesOf(expr: Expr): number[] {
  const own = expr.kind === 'matrix' || expr.kind === 'subquery' ? [expr.rangeMs] : [];
  return [...own, ...childrenOf(expr).flatMap(rangesOf)];
}

async function evaluateAlert(rule: AlertRule, world: EvaluationWorld, nowMs: number): Promise<Evaluation> {
  const source = watchSource(world.source);
  try {
    const found = await queryVector(source, rule.expr, nowMs - rule.queryOffsetMs, world.query);
    const hasSeries = source.seriesFound > 0 || isWithoutSelector(rule);
    const templates = templateWorld(world, nowMs);
    if (found.length > alertsMax) return { kind: 'error', message: `the expression gives ${found.length} alerts, at most ${alertsMax} are kept for a rule` };
    const elements: AlertElement[] = [];
    for (const element of found) elements.push(await expandElement(rule, element, world, templates));
    return { kind: 'elements', elements, hasSeries };
  } catch (error) {
    return { kind: 'error', message: messageOf(error) };
  }
}

/** Such as `vector(1)`, which needs no data. */
const isWithoutSelector = (rule: Rule): boolean => selectorsOf(rule.expr).length === 0;

/** What templates see: the time of the evaluation, and queries at that time. */
export function templateWorld(world: EvaluationWorld, nowMs: number): TemplateWorld {
  return { atMs: nowMs, externalUrl: world.externalUrl, query: (text) => queryVector(world.source, text, nowMs, world.query) };
}

async function expandElement(rule: AlertRule, element: VectorElement, world: EvaluationWorld, templates: TemplateWorld): Promise<AlertElement> {
  const data = { ...element, externalLabels: world.externalLabels, externalUrl: world.externalUrl };
  const labels: Record<string, string> = { ...element.labels };
  delete labels['__name__'];
  for (const [name, template] of rule.labelTemplates) {
    const value = await expandTemplate(template, rule.name, data, templates);
    // An empty label is a missing one.
    if (value === '') delete labels[name];
    else labels[name] = value;
  }
  labels['alertname'] = rule.name;
  const annotations: Record<string, string> = {};
  for (const [name, template] of rule.annotationTemplates) annotations[name] = await expandTemplate(template, rule.name, data, templates);
  return { labels, annotations, value: element.value };
}

async function evaluateRecord(rule: RecordRule, previous: RuleState, world: EvaluationWorld, nowMs: number): Promise<Advance> {
  const source = watchSource(world.source);
  const failed = (error: string): Advance => ({ state: { ...previous, health: 'error', error, evaluatedAtMs: nowMs }, transitions: [], samples: [] });
  let found: readonly VectorElement[];
  try {
    found = await queryVector(source, rule.expr, nowMs - rule.queryOffsetMs, world.query);
  } catch (error) {
    return failed(messageOf(error));
  }
  const samples = found.map(({ labels, value }) => ({ labels: recordedLabels(rule, labels), atMs: nowMs - rule.queryOffsetMs, value }));
  if (new Set(samples.map(({ labels }) => fingerprintOf(labels))).size < samples.length) return failed('vector contains metrics with the same labelset after applying rule labels');
  if (rule.limit > 0 && samples.length > rule.limit) return failed(`exceeded limit of ${rule.limit} with ${samples.length} series`);
  const hasSeries = samples.length > 0 || source.seriesFound > 0 || isWithoutSelector(rule);
  return {
    state: { alerts: [], health: hasSeries ? 'ok' : 'no-data', series: samples.map(({ labels }) => labels), evaluatedAtMs: nowMs },
    transitions: [],
    samples: [...samples, ...markersOf(rule, previous.series, samples, nowMs)],
  };
}

function recordedLabels(rule: RecordRule, labels: Labels): Labels {
  const recorded = { ...labels, ...rule.labels, __name__: rule.name };
  return Object.fromEntries(Object.entries(recorded).filter(([, value]) => value !== ''));
}
