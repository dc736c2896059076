import express from 'express';
import type { Router } from 'express';
import { z } from 'zod';
import { eventDetails } from '../core/event-log/event.ts';
import type { EventKind, EventLog } from '../core/event-log/event.ts';
import { SoraError } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { actorOf, requireRole } from './auth.ts';

/** What may be told from outside. The rest is what the control plane itself decided, and nobody can claim. */
const tellable = ['deploy', 'config', 'load-run', 'fault', 'runbook-step'] as const satisfies readonly EventKind[];
const eventsMax = 1_000;
/** What is told of the future would mute pages that nobody rehearses; clocks of two machines differ by less. */
const aheadMaxMs = 60_000;

const newEvents = z.strictObject({
  events: z.array(z.strictObject({
    atMs: z.int().min(0).optional(),
    details: eventDetails.refine(({ kind }) => tellable.some((known) => known === kind), { error: `of these kinds only: ${tellable.join(', ')}` }),
    key: z.string().min(1).max(500).optional(),
  })).min(1).max(eventsMax),
});

const filter = z.strictObject({
  kind: z.union([z.string(), z.array(z.string())]).transform((kinds) => [kinds].flat() as EventKind[]).optional(),
  fromMs: z.coerce.number().int().optional(),
  toMs: z.coerce.number().int().optional(),
  after: z.coerce.number().int().optional(),
  limit: z.coerce.number().int().min(1).max(10_000).optional(),
});

/** `GET /events?kind=alert&after=17` reads the log, `POST /events` tells it what happened elsewhere. */
export function eventsRoutes({ host, log }: { readonly host: Host; readonly log: EventLog }): Router {
  const router = express.Router();
  router.get('/', requireRole('viewer'), async (request, response) => {
    const { kind, after, ...rest } = filter.parse(request.query);
    response.json({ events: await log.read({ kinds: kind, afterSequence: after, ...rest }) });
  });
  router.post('/', requireRole('operator'), async (request, response) => {
    const actor = actorOf(request);
    const { events } = newEvents.parse(request.body);
    const nowMs = host.clock.nowMs();
    const ahead = events.find(({ atMs = 0 }) => atMs > nowMs + aheadMaxMs);
    if (ahead?.atMs !== undefined) throw new SoraError('event_in_future', `atMs ${ahead.atMs} is ${Math.ceil((ahead.atMs - nowMs) / 1_000)} s ahead of the control plane's clock; the most is ${aheadMaxMs / 1_000} s`, { status: 400, hint: 'set the clock, or leave atMs out: it is then the time of arrival' });
    await log.append(events.map(({ atMs, details, key }) => ({ atMs: atMs ?? nowMs, actor, details, key })));
    response.status(204).end();
  });
  return router;
}
