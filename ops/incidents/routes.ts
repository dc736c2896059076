/** `/incidents` of SORA's API: all of it is computed from the event log; people's marks are events of their own. */
import express from 'express';
import type { Request, Router } from 'express';
import { z } from 'zod';
import { SoraError } from '../core/error.ts';
import type { EventLog } from '../core/event-log/event.ts';
import type { Host } from '../core/host.ts';
import type { Gate } from '../metricstore/http-api/gate.ts';
import { actorOf, requireRole } from '../control/auth.ts';
import { toReply, toTimesReply } from './api.ts';
import { incidentKinds, incidentsOf } from './fold.ts';
import { dayMs, daysMax, readAround, readHistory } from './history.ts';
import type { Incident } from './incident.ts';
import { renderPostmortem } from './postmortem.ts';
import { timelineOf } from './timeline.ts';

export interface IncidentRoutesDeps {
  readonly host: Host;
  readonly log: EventLog;
  /** Shared by all reports that are made of history: each holds up to 200,000 events while it is made. */
  readonly gate: Pick<Gate, 'run'>;
}

const daysDefault = 90;
const listQuery = z.strictObject({
  days: z.coerce.number().int().min(1).max(daysMax).default(daysDefault),
  state: z.enum(['open', 'mitigated', 'resolved']).optional(),
  /** Whether rehearsals are listed as well. */
  rehearsals: z.stringbool().default(true),
});
const markBody = z.strictObject({ text: z.string().max(4_000).optional() }).prefault({});
/** `force`: also while alerts of it fire. */
const resolveBody = z.strictObject({ text: z.string().max(4_000).optional(), force: z.boolean().default(false) }).prefault({});
const noteBody = z.strictObject({ text: z.string().trim().min(1).max(4_000) });
type IncidentRequest = Request<{ id: string }>;
const idPattern = /^inc-\d{1,15}$/;

/** `GET /`, `GET /:id`, `GET /:id/postmortem`; `POST /:id/notes|mitigate|resolve` with `{ text }`, of the last also `force`. */
export function incidentRoutes({ host, log, gate }: IncidentRoutesDeps): Router {
  const router = express.Router();
  const all = async (days = daysMax, onCut?: (events: number) => void): Promise<Incident[]> => {
    const nowMs = host.clock.nowMs();
    return incidentsOf(await readHistory(log, { kinds: incidentKinds, fromMs: nowMs - days * dayMs }, onCut), nowMs);
  };
  const find = async (id: string, onCut: (events: number) => void = () => undefined): Promise<Incident> => {
    let cutEvents = 0;
    const found = idPattern.test(id) ? (await all(daysMax, (events) => (cutEvents = events))).find((incident) => incident.id === id) : undefined;
    const unread = cutEvents === 0 ? '' : `; the oldest ${cutEvents} events of that time were too many to read`;
    if (found === undefined) throw new SoraError('no_incident', `there is no incident ${id.slice(0, 50)} in the last ${daysMax} days${unread}`, { status: 404, hint: 'sora incident ls lists them' });
    if (cutEvents > 0) onCut(cutEvents);
    return found;
  };
  /** An incident with what the log says around it. */
  const look = (id: string) => gate.run(async () => {
    let cutEvents = 0;
    const onCut = (events: number): void => void (cutEvents += events);
    const incident = await find(id, onCut);
    const events = await readAround(log, incident, onCut);
    return { incident, events, cutEvents };
  });
  router.get('/', requireRole('viewer'), async (request, response) => {
    const { days, state, rehearsals } = listQuery.parse(request.query);
    let cutEvents = 0;
    const read = await gate.run(() => all(days, (events) => (cutEvents = events)));
    const found = read.filter(({ rehearsalId }) => rehearsals || rehearsalId === undefined);
    const shown = found.filter((incident) => state === undefined || incident.state === state).toReversed();
    const isReal = ({ rehearsalId }: Incident): boolean => rehearsalId === undefined;
    response.json({ incidents: shown.map(toReply), cutEvents, times: { real: toTimesReply(found.filter(isReal)), rehearsal: toTimesReply(found.filter((incident) => !isReal(incident))) } });
  });
  router.get('/:id', requireRole('viewer'), async (request: IncidentRequest, response) => {
    const { incident, events, cutEvents } = await look(request.params.id);
    response.json({ incident: toReply(incident), timeline: timelineOf(incident, events, host.clock.nowMs()), cutEvents });
  });
  router.get('/:id/postmortem', requireRole('viewer'), async (request: IncidentRequest, response) => {
    const { incident, events, cutEvents } = await look(request.params.id);
    response.json({ markdown: renderPostmortem(incident, events, host.clock.nowMs(), cutEvents) });
  });

  const mark = (path: string, phase: 'note' | 'mitigated' | 'resolved', body: z.ZodType<{ text?: string | undefined; force?: boolean }>): void => {
    router.post(`/:id/${path}`, requireRole('operator'), async (request, response) => {
      const { text, force } = body.parse(request.body ?? undefined);
      // One turn for all of it: a mark that is made is never answered as refused.
      const marked = await gate.run(async () => {
        const found = await find(String(request.params['id']));
        const { id, state } = found;
        if (phase !== 'note' && state === 'resolved') throw new SoraError('incident_resolved', `incident ${id} is resolved already`, { status: 409, hint: `sora incident note ${id} adds to it` });
        if (phase === 'resolved' && force !== true) refuseFiring(found);
        await log.append([{ atMs: host.clock.nowMs(), actor: actorOf(request), details: { kind: 'incident', phase, incidentId: id, ...(text === undefined ? {} : { text }) } }]);
        return await find(id);
      });
      response.json({ incident: toReply(marked) });
    });
  };
  mark('notes', 'note', noteBody);
  mark('mitigate', 'mitigated', markBody);
  mark('resolve', 'resolved', resolveBody);
  return router;
}

/** Alerts named in a refusal. */
const namedMax = 5;

/** An incident that is over while its alerts fire would leave a critical alert in no open incident. */
function refuseFiring({ id, alerts }: Incident): void {
  const firing = alerts.filter(({ resolvedAtMs }) => resolvedAtMs === undefined);
  if (firing.length === 0) return;
  const names = [...new Set(firing.map(({ rule, severity }) => `${rule} (${severity})`))];
  const listed = names.length <= namedMax ? names.join(', ') : `${names.slice(0, namedMax).join(', ')} and ${names.length - namedMax} more`;
  throw new SoraError('alerts_firing', `${firing.length === 1 ? '1 alert' : `${firing.length} alerts`} of ${id} still fire${firing.length === 1 ? 's' : ''}: ${listed}`, {
    status: 409, hint: `it resolves itself once they have ended; sora incident mitigate ${id} says that users are well; resolve ${id} --force ends it all the same, and the next incident takes what still fires`,
  });
}
