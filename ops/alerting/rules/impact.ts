/** How many are affected: the query in a rule's annotation `impact`, run when an alert fires. */
import { selectorsOf } from '../../metricstore/promql/expr.ts';
import { parsePromql } from '../../metricstore/promql/parse.ts';
import type { AlertInstance } from '../alert.ts';
import type { EvaluationWorld } from './evaluate-rule.ts';
import { queryVector } from './query.ts';

/** Figures that are asked for at one evaluation of a rule; more alerts at once go without. */
const figuresMax = 50;

/** Gives the alerts that fire since `nowMs` their figure. */
export async function addImpact(alerts: readonly AlertInstance[], world: EvaluationWorld, nowMs: number): Promise<readonly AlertInstance[]> {
  const fresh = alerts.filter((alert) => alert.state === 'firing' && alert.firedAtMs === nowMs).slice(0, figuresMax);
  if (fresh.length === 0) return alerts;
  const figures = new Map<AlertInstance, string>();
  for (const alert of fresh) {
    const figure = await measureImpact(alert.annotations['impact'] ?? '', world, nowMs);
    if (figure !== undefined) figures.set(alert, figure);
  }
  return alerts.map((alert) => {
    const impact = figures.get(alert);
    return impact === undefined ? alert : { ...alert, impact };
  });
}

/**
 * The figure of a query, with what its comment says it counts: `sum(increase(x[5m])) # requests` gives `1,234 requests`.
 * Elements are added up. A text that is no query, as a template that asked by itself leaves, stands for itself.
 * @returns undefined where the query fails or gives nothing
 */
export async function measureImpact(text: string, world: EvaluationWorld, nowMs: number): Promise<string | undefined> {
  const query = text.trim();
  if (query === '') return undefined;
  let expr;
  try {
    expr = parsePromql(query);
  } catch {
    return query;
  }
  if (selectorsOf(expr).length === 0) return query;
  try {
    const found = await queryVector(world.source, expr, nowMs, world.query);
    const total = found.reduce((sum, { value }) => sum + value, 0);
    if (found.length === 0 || !Number.isFinite(total)) return undefined;
    const unit = /#\s*([^#"'`]+?)\s*$/.exec(query)?.[1];
    return `${formatFigure(total, unit)}${unit === undefined ? '' : ` ${unit}`}`;
  } catch {
    return undefined;
  }
}

/** `1,234`, `12.3`, `0.05`; things and people are whole, as rates extrapolate: 40.3 requests are 40, and 0.4 are 1. */
function formatFigure(value: number, unit: string | undefined): string {
  const isCounted = unit !== undefined && /^(?!of )[a-z -]*[a-z]s\b/.test(unit);
  const shown = isCounted && value > 0 ? Math.max(1, Math.round(value)) : value;
  const digits = Math.abs(shown) >= 100 || Number.isInteger(shown) ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 };
  return shown.toLocaleString('en-US', digits);
}
