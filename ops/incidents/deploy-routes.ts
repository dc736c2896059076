/** `/deploys` of SORA's API: pipelines tell of deploys here, and the metrics of DORA are computed from them. */
import express from 'express';
import type { Router } from 'express';
import type { ClientBase } from 'pg';
import { z } from 'zod';
import type { ChangeItem } from '../alerting/notifiers/outcome.ts';
import { actorOf, requireRole } from '../control/auth.ts';
import type { Transaction } from '../control/database.ts';
import { SoraError } from '../core/error.ts';
import type { EventDetails, EventLog, NewEvent } from '../core/event-log/event.ts';
import type { Host } from '../core/host.ts';
import type { Gate } from '../metricstore/http-api/gate.ts';
import { deployBody, toMetricsReply } from './api.ts';
import { deliveryMetrics, deploysOf } from './delivery.ts';
import { dayMs, daysMax, readHistory } from './history.ts';

export interface DeployRoutesDeps {
  readonly host: Host;
  readonly log: EventLog;
  /** See `IncidentRoutesDeps`. */
  readonly gate: Pick<Gate, 'run'>;
  readonly transaction: Transaction;
  readonly appendEvents: (client: ClientBase, events: readonly NewEvent[]) => Promise<void>;
  /** The outbox's; in the transaction that records the deploy. */
  readonly enqueueChanges: (client: ClientBase, changes: readonly ChangeItem[]) => Promise<unknown>;
  /** PagerDuty integrations whose settings say `sendChanges`. */
  readonly changeTargets: () => readonly { readonly receiver: string; readonly index: number }[];
}

const metricsQuery = z.strictObject({ days: z.coerce.number().int().min(1).max(daysMax).default(30), service: z.string().max(200).optional() });

/** `POST /` records one (see `deployBody`), `GET /` lists, `GET /metrics?days=30&service=api` has the metrics. */
export function deployRoutes(deps: DeployRoutesDeps): Router {
  const { host, log, gate } = deps;
  const router = express.Router();
  router.post('/', requireRole('operator'), async (request, response) => {
    response.status(201).json({ recorded: await record(deps, deployBody.parse(request.body), actorOf(request)) });
  });
  const read = async (query: unknown) => {
    const { days, service } = metricsQuery.parse(query);
    const toMs = host.clock.nowMs() + 1;
    const fromMs = toMs - days * dayMs;
    // One that failed may have been made long before it was said so.
    const all = await gate.run(async () => deploysOf(await readHistory(log, { kinds: ['deploy'], fromMs: fromMs - 30 * dayMs, toMs })));
    return { fromMs, toMs, deploys: all.filter((deploy) => service === undefined || deploy.service === service) };
  };
  router.get('/', requireRole('viewer'), async (request, response) => {
    const { fromMs, deploys } = await read(request.query);
    response.json({ deploys: deploys.filter(({ atMs }) => atMs >= fromMs).toReversed() });
  });
  router.get('/metrics', requireRole('viewer'), async (request, response) => {
    const { fromMs, toMs, deploys } = await read(request.query);
    response.json(toMetricsReply(deliveryMetrics(deploys, { fromMs, toMs })));
  });
  return router;
}

async function record(deps: DeployRoutesDeps, body: z.infer<typeof deployBody>, actor: string): Promise<boolean> {
  const nowMs = deps.host.clock.nowMs();
  const atMs = body.at === undefined ? nowMs : readTime('at', body.at, nowMs);
  const committedAtMs = readTime('committedAt', body.committedAt, nowMs);
  if (committedAtMs > atMs) throw new SoraError('invalid_time', `committedAt ${new Date(committedAtMs).toISOString()} is after the deploy at ${new Date(atMs).toISOString()}`, { status: 400, hint: 'git show -s --format=%cI COMMIT prints the time of a commit' });
  const { service, version, commit, outcome, rework, id } = body;
  const details: EventDetails = { kind: 'deploy', service, version, commit, committedAtMs, outcome, rework };
  const key = id === undefined ? undefined : `deploy:${id}:${outcome}`;
  return deps.transaction(async (client) => {
    if (key !== undefined && (await client.query('select 1 from event_log where key = $1', [key])).rowCount === 1) return false;
    const changeId = id === undefined ? deps.host.random.uuid() : `${id}-${outcome}`;
    await deps.enqueueChanges(client, deps.changeTargets().map(({ receiver, index }) => ({
      id: `change-${changeId}-${receiver}-${index}`.slice(0, 200), receiver, integration: { kind: 'pagerduty', index },
      summary: `${service} ${version}: deploy ${outcome}${rework ? ' (rework)' : ''}`, source: service, atMs, details: { service, version, commit, outcome, actor, committedAt: new Date(committedAtMs).toISOString() },
    })));
    await deps.appendEvents(client, [{ atMs, actor, details, key }]);
    return true;
  });
}

/** From 2001 on and at most a minute ahead of our clock, so that seconds are told from milliseconds. */
function readTime(name: string, value: string | number, nowMs: number): number {
  const number = typeof value === 'number' ? value : /^\d+(\.\d+)?$/.test(value) ? Number(value) : Number.NaN;
  const atMs = Math.round(Number.isNaN(number) ? Date.parse(String(value)) : number < 1e11 ? number * 1_000 : number);
  if (!(atMs >= 978_307_200_000 && atMs <= nowMs + 60_000)) throw new SoraError('invalid_time', `${name} ${String(value)} is no time between 2001 and now`, { status: 400, hint: 'give ISO 8601 such as 2026-01-31T12:00:00Z, or Unix seconds' });
  return atMs;
}
