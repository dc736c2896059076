import { Router } from 'express';
import { z } from 'zod';
import { SoraError } from '../core/error.ts';
import type { SampleSource } from '../metricstore/series.ts';
import { requireRole } from '../control/auth.ts';
import { burnAlertsOf } from './burn-windows.ts';
import { burnAlertName } from './burn-rules.ts';
import type { IncidentSpan } from './budget.ts';
import { readBudget } from './read-budget.ts';
import type { Slo } from './slo.ts';

export interface SloRoutesParts {
  readonly slos: readonly Slo[];
  readonly source: SampleSource;
  nowMs(): number;
  /** Incidents that touch a span of time; those still open end now. */
  incidents(fromMs: number, toMs: number): Promise<readonly IncidentSpan[]>;
}

const spendingSchema = z.object({ id: z.string(), title: z.string(), badEvents: z.number(), budgetRatio: z.number() });
const budgetSchema = z.object({
  badEvents: z.number(), totalEvents: z.number(), allowedEvents: z.number(), goodRatio: z.number().optional(), remainingRatio: z.number(),
  burn: z.number(), exhaustedAtMs: z.number().optional(), coveredRatio: z.number(), incidents: z.array(spendingSchema), otherBadEvents: z.number(),
});
const sloSchema = z.object({
  name: z.string(), displayName: z.string(), description: z.string(), service: z.string(), owner: z.string(),
  indicator: z.object({ counted: z.enum(['good', 'bad']), events: z.string(), total: z.string() }),
  targetRatio: z.number(), periodMs: z.number(), badEventsMin: z.number(),
});
const burnAlertSchema = z.object({ name: z.string(), severity: z.string(), budgetSpentRatio: z.number(), longMs: z.number(), shortMs: z.number(), factor: z.number(), thresholdRatio: z.number() });
const statusSchema = z.object({ slo: sloSchema, budget: budgetSchema });

/** Replies of the routes. */
export const sloListReply = z.object({ slos: z.array(statusSchema) });
export const sloReply = statusSchema.extend({ alerts: z.array(burnAlertSchema) });
export type SloStatus = z.infer<typeof statusSchema>;
export type SloDetails = z.infer<typeof sloReply>;

/** `GET /` lists objectives with their budgets, `GET /:name` shows one with its alerts. Any role may read. */
export function sloRoutes(parts: SloRoutesParts): Router {
  const { slos, source } = parts;
  const router = Router();
  router.use(requireRole('viewer'));
  const statusOf = async (slo: Slo): Promise<SloStatus> => {
    const budget = await readBudget({ source, nowMs: parts.nowMs(), incidents: (fromMs, toMs) => parts.incidents(fromMs, toMs) }, slo);
    return { slo, budget: { ...budget, incidents: [...budget.incidents] } };
  };
  router.get('/', (_request, response, next) => {
    Promise.all(slos.map(statusOf)).then((found) => response.json({ slos: found })).catch(next);
  });
  router.get('/:name', (request, response, next) => {
    const slo = slos.find(({ name }) => name === request.params.name);
    if (slo === undefined) {
      next(new SoraError('unknown_slo', `there is no objective "${request.params.name}"`, { status: 404, hint: `objectives: ${slos.map(({ name }) => name).join(', ')}` }));
      return;
    }
    const alerts = burnAlertsOf(slo).map((alert) => ({ name: burnAlertName(slo, alert.longMs), ...alert }));
    statusOf(slo).then((status) => response.json({ ...status, alerts })).catch(next);
  });
  return router;
}
