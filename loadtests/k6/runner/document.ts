import { z } from 'zod';

/** What our suites write of k6's end-of-test data (`handleSummary`), as far as it is read. */
const metricSchema = z.object({
  type: z.enum(['trend', 'rate', 'counter', 'gauge']),
  values: z.record(z.string(), z.number().nullable()),
  thresholds: z.record(z.string(), z.object({ ok: z.boolean() })).default({}),
});

const checkSchema = z.object({ name: z.string(), passes: z.number(), fails: z.number() });

const groupSchema = z.object({ name: z.string(), checks: z.array(checkSchema).default([]) });

const amount = z.number().min(0);

export const documentSchema = z.object({
  run: z.object({
    name: z.string(), about: z.string(), users: z.int().min(1), thinkTimeMs: amount, startedAtMs: amount, endedAtMs: amount,
    rampMs: amount, plannedHoldMs: amount, holdMs: amount,
    duePerS: amount.nullable().describe('Operations that fell due a second in the hold; null where replies set the pace.'),
  }),
  metrics: z.record(z.string(), metricSchema),
  root_group: groupSchema.extend({ groups: z.array(groupSchema).default([]) }),
});

export type K6Document = z.infer<typeof documentSchema>;
export type K6Metric = z.infer<typeof metricSchema>;

const expressionPattern = /^\s*(avg|min|max|med|count|rate|value|p\(\s*[\d.]+\s*\))\s*(===|==|!=|<=|>=|<|>)\s*([-+]?[\d.]+(?:e[-+]?\d+)?)\s*$/i;

/** An expression of k6, such as `p(95)<500`; undefined when it is none. */
export function readExpression(text: string): { figure: string; operator: string; limit: number } | undefined {
  const [, figure, operator, limit] = expressionPattern.exec(text) ?? [];
  return figure === undefined || operator === undefined ? undefined : { figure: figure.replaceAll(/\s/g, ''), operator, limit: Number(limit) };
}

/** Whether anything was measured; k6 writes zeros where nothing was. */
export function hasSamples(metric: K6Metric | undefined): metric is K6Metric {
  if (metric === undefined) return false;
  if (metric.type === 'trend') return (metric.values['count'] ?? 0) > 0;
  return metric.type !== 'rate' || (metric.values['passes'] ?? 0) + (metric.values['fails'] ?? 0) > 0;
}

/** A figure of a metric; null where nothing was measured or k6 did not keep it. */
export function figureOf(document: K6Document, name: string, figure: string): number | null {
  const metric = document.metrics[name];
  return hasSamples(metric) ? (metric.values[figure] ?? null) : null;
}

/** A count; k6 leaves a counter out when nothing was added, which is a true 0. */
export function countOf(document: K6Document, name: string): number {
  return Math.round(document.metrics[name]?.values['count'] ?? 0);
}
