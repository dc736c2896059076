/**
 * Rules that ask for a metric that no process exports: it was renamed, or whoever exported it is gone. Nothing else would tell, as a
 * query that finds nothing is no error, and a counter that never counted finds nothing either: that one's type is told by its process.
 */
import { messageOf } from '../../core/error.ts';
import type { Host } from '../../core/host.ts';
import { selectorsOf } from '../../metricstore/promql/expr.ts';
import type { SampleSource } from '../../metricstore/series.ts';
import { builtInMetrics, seriesNames } from './metric-list.ts';
import type { Rule, RuleGroup } from './rule.ts';

export interface BlindRules {
  /** Whether a metric of the rule has been missing for 10 min. */
  has(rule: Rule): boolean;
  stop(): void;
}

export interface BlindRulesParts {
  readonly host: Pick<Host, 'clock' | 'timers'>;
  readonly groups: readonly RuleGroup[];
  readonly source: Pick<SampleSource, 'metadata' | 'series'>;
  /** Hears which metric is missing, once, and why that could not be found out. */
  readonly say: (text: string) => void;
}

const lookEveryMs = 60_000;
/** Samples of this age still say that a metric is exported. */
const seenWithinMs = 3_600_000;
/** A start brings its processes up one after the other, and a deploy restarts them. */
const patienceMs = 600_000;

/** Looks every minute. */
export function followBlindRules({ host, groups, source, say }: BlindRulesParts): BlindRules {
  const missingSinceMs = new Map<string, number>();
  let blind: ReadonlySet<Rule> = new Set();
  let isLooking = false;
  const look = async (): Promise<void> => {
    const nowMs = host.clock.nowMs();
    const missing = await findMissing(source, groups, nowMs);
    for (const name of missingSinceMs.keys()) if (!missing.has(name)) missingSinceMs.delete(name);
    for (const name of missing.keys()) if (!missingSinceMs.has(name)) missingSinceMs.set(name, nowMs);
    const before = blind;
    blind = new Set([...missing].flatMap(([name, rules]) => (nowMs - (missingSinceMs.get(name) ?? nowMs) >= patienceMs ? rules : [])));
    for (const [name, rules] of missing) for (const rule of rules) if (blind.has(rule) && !before.has(rule)) say(`the rule ${rule.name} is blind: no process exports ${name}`);
  };
  const timer = host.timers.every(lookEveryMs, () => {
    // A Prometheus elsewhere may take its time.
    if (isLooking) return;
    isLooking = true;
    look().catch((error: unknown) => say(`which metrics are exported is not known: ${messageOf(error)}`)).finally(() => (isLooking = false));
  });
  return { has: (rule) => blind.has(rule), stop: () => timer.cancel() };
}

async function findMissing(source: BlindRulesParts['source'], groups: readonly RuleGroup[], nowMs: number): Promise<Map<string, Rule[]>> {
  const exported = new Set((await source.metadata()).flatMap(({ name, type }) => seriesNames(name, type)));
  const missing = new Map<string, Rule[]>();
  for (const [name, rules] of metricsAskedFor(groups)) {
    if (exported.has(name)) continue;
    // A target need not tell the types of its metrics.
    const found = await source.series([[{ name: '__name__', operator: '=', value: name }]], { fromMs: nowMs - seenWithinMs, toMs: nowMs });
    if (found.length === 0) missing.set(name, rules);
  }
  return missing;
}

/** Metrics that rules name and that processes must export, with those rules; none that rules record or the control plane makes. */
export function metricsAskedFor(groups: readonly RuleGroup[]): Map<string, Rule[]> {
  const rules = groups.flatMap((group) => group.rules);
  const made = new Set([...builtInMetrics, ...rules.flatMap((rule) => (rule.kind === 'record' ? [rule.name] : []))]);
  const asked = new Map<string, Rule[]>();
  for (const rule of rules) {
    for (const name of new Set(selectorsOf(rule.expr).map((selector) => selector.name))) {
      if (name !== '' && !made.has(name)) asked.set(name, [...(asked.get(name) ?? []), rule]);
    }
  }
  return asked;
}
