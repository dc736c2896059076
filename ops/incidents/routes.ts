/** `/incidents` of SORA's API: all of it is computed from the event log; people's marks are events of their own. */
import express from 'express';
import type { Request, Router } from 'express';
import { z } from 'zod';
import { SoraError } from '../core/error.ts';
import type { EventLog } from '../core/event-log/event.ts';
import type { Host } from '../core/host.ts';
import { actorOf, requireRole } from '../control/auth.ts';
import { toReply, toTimesReply } from './api.ts';
import { incidentKinds, incidentsOf } from './fold.ts';
import { dayMs, daysMax, readHistory } from './history.ts';
import type { Incident } from './incident.ts';
import { renderPostmortem } from './postmortem.ts';
import { beforeMs, timelineKinds, timelineOf } from './timeline.ts';

export interface IncidentRoutesDeps {
  readonly host: Host;
  readonly log: EventLog;
}

const daysDefault = 90;
const listQuery = z.strictObject({
  days: z.coerce.number().int().min(1).max(daysMax).default(daysDefault),
  state: z.enum(['open', 'mitigated', 'resolved']).optional(),
  /** Whether rehearsals are listed as well. */
  rehearsals: z.stringbool().default(true),
});
const markBody = z.strictObject({ text: z.string().max(4_000).optional() }).prefault({});
const noteBody = z.strictObject({ text: z.string().trim().min(1).max(4_000) });
type IncidentRequest = Request<{ id: string }>;
const idPattern = /^inc-\d{1,15}$/;

/** `GET /`, `GET /:id`, `GET /:id/postmortem`; `POST /:id/notes|mitigate|resolve` with `{ text }`. */
export function incidentRoutes({ host, log }: IncidentRoutesDeps): Router {
  const router = express.Router();
  const all = async (days = daysMax, onCut?: (events: number) => void): Promise<Incident[]> => {
    const nowMs = host.clock.nowMs();
    return incidentsOf(await readHistory(log, { kinds: incidentKinds, fromMs: nowMs - days * dayMs }, onCut), nowMs);
  };
  const find = async (id: string): Promise<Incident> => {
    const found = idPattern.test(id) ? (await all()).find((incident) => incident.id === id) : undefined;
    if (found === undefined) throw new SoraError('no_incident', `there is no incident ${id.slice(0, 50)} in the last ${daysMax} days`, { status: 404, hint: 'sora incident ls lists them' });
    return found;
  };
  router.get('/', requireRole('viewer'), async (request, response) => {
    const { days, state, rehearsals } = listQuery.parse(request.query);
    let cutEvents = 0;
    const found = (await all(days, (events) => (cutEvents = events))).filter(({ rehearsalId }) => rehearsals || rehearsalId === undefined);
    const shown = found.filter((incident) => state === undefined || incident.state === state).toReversed();
    const isReal = ({ rehearsalId }: Incident): boolean => rehearsalId === undefined;
    response.json({ incidents: shown.map(toReply), cutEvents, times: { real: toTimesReply(found.filter(isReal)), rehearsal: toTimesReply(found.filter((incident) => !isReal(incident))) } });
  });
  router.get('/:id', requireRole('viewer'), async (request: IncidentRequest, response) => {
    const incident = await find(request.params.id);
    response.json({ incident: toReply(incident), timeline: timelineOf(incident, await around(incident), host.clock.nowMs()) });
  });
  router.get('/:id/postmortem', requireRole('viewer'), async (request: IncidentRequest, response) => {
    const incident = await find(request.params.id);
    response.json({ markdown: renderPostmortem(incident, await around(incident), host.clock.nowMs()) });
  });
  const around = (incident: Incident) => readHistory(log, { kinds: timelineKinds, fromMs: incident.startedAtMs - beforeMs });

  const mark = (path: string, phase: 'note' | 'mitigated' | 'resolved', body: z.ZodType<{ text?: string | undefined }>): void => {
    router.post(`/:id/${path}`, requireRole('operator'), async (request, response) => {
      const { text } = body.parse(request.body ?? undefined);
      const { id, state } = await find(String(request.params['id']));
      if (phase !== 'note' && state === 'resolved') throw new SoraError('incident_resolved', `incident ${id} is resolved already`, { status: 409, hint: `sora incident note ${id} adds to it` });
      await log.append([{ atMs: host.clock.nowMs(), actor: actorOf(request), details: { kind: 'incident', phase, incidentId: id, ...(text === undefined ? {} : { text }) } }]);
      response.json({ incident: toReply(await find(id)) });
    });
  };
  mark('notes', 'note', noteBody);
  mark('mitigate', 'mitigated', markBody);
  mark('resolve', 'resolved', markBody);
  return router;
}
