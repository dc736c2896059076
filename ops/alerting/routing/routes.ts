/** SORA's own API of alerts, silences and whoever is on call; mounted below `/api/sora/v1`. */
import express from 'express';
import type { Request, Router } from 'express';
import { z } from 'zod';
import { actorOf, requireRole } from '../../control/auth.ts';
import { endSilence, listSilences, makeSilence } from '../alertmanager/silences.ts';
import { SoraError } from '../../core/error.ts';
import type { EventLog } from '../../core/event-log/event.ts';
import type { Host } from '../../core/host.ts';
import type { Gate } from '../../metricstore/http-api/gate.ts';
import { readNoise } from '../noise/noise.ts';
import type { KnownRules } from '../noise/noise.ts';
import type { SendContext } from '../notifiers/outcome.ts';
import { nextChangeMs, shiftAt, whoIsNext, whoIsOnCall } from '../oncall/schedule.ts';
import { acknowledge, addOverride, createSilence, endOverride, expireSilence, findById, findTarget } from './actions.ts';
import { parseMatchers } from './matcher.ts';
import type { Routing } from './service.ts';
import { silenceEvent } from './silence.ts';
import type { Silence } from './state.ts';
import { testReceiver } from './test-receiver.ts';
import { viewAlerts, viewGroups, viewSilence } from './view.ts';

export interface RoutingRoutesDeps {
  readonly host: Host;
  readonly routing: Routing;
  readonly log: EventLog;
  /** What notifiers need, for `POST /alerts/test`. */
  readonly sending: SendContext;
  /** Rules and their drills, for the report on noise. */
  readonly known?: () => KnownRules;
  /** Lets one report of history be made at a time; default: any number. */
  readonly gate?: Pick<Gate, 'run'>;
}

const maxMs = 30 * 86_400_000;
const lengthMs = z.number().int().min(1_000).max(maxMs);
const timeMs = z.number().int().min(0).max(8_640_000_000_000_000);
const via = z.enum(['cli', 'dashboard', 'api']);
/** Whoever acts may say who they are, where a token tells only a role. */
const person = z.string().trim().min(1).max(100);

const ackBody = z.strictObject({ target: z.string().min(1).max(20_000), forMs: lengthMs.optional(), via: via.default('api'), by: person.optional() });
const testBody = z.strictObject({ receiver: z.string().min(1).max(200) });

const idOf = (request: Request): string => String(request.params['id'] ?? '');
const notFound = (what: string): SoraError => new SoraError('not_found', `there is no ${what}`, { status: 404, hint: 'sora alerts ls lists what fires; name an alert by its name, or one of them by four characters of its id' });

/** `GET /`, `/groups`, `/receivers`, `/noise`, `/:id`, `POST /ack`, `/test`. */
export function alertsRoutes({ host, routing, log, sending, known, gate }: RoutingRoutesDeps): Router {
  const router = express.Router();
  const alerts = (): ReturnType<typeof viewAlerts> => viewAlerts(routing.observed(), host.clock.nowMs());
  router.get('/', requireRole('viewer'), (_request, response) => void response.json({ alerts: alerts() }));
  router.get('/groups', requireRole('viewer'), (_request, response) => void response.json({ groups: viewGroups(routing.observed()) }));
  router.get('/receivers', requireRole('viewer'), (_request, response) => {
    const { receivers } = routing.loaded.config;
    response.json({ receivers: receivers.map(({ name, integrations }) => ({ name, integrations: integrations.map(({ kind, index }) => `${kind}[${index}]`) })), notes: routing.loaded.notes });
  });
  router.get('/noise', requireRole('viewer'), async (_request, response) => {
    const report = (): ReturnType<typeof readNoise> => readNoise(log, host.clock.nowMs(), known?.());
    response.json(await (gate === undefined ? report() : gate.run(report)));
  });
  router.post('/ack', requireRole('operator'), async (request, response) => {
    const { target, forMs, via, by } = ackBody.parse(request.body);
    const result = await routing.change((before, observed, nowMs) => acknowledge(before, { fingerprints: findTarget(observed, target).fingerprints, by: by ?? actorOf(request), via, forMs }, nowMs));
    response.json(result);
  });
  router.post('/test', requireRole('operator'), async (request, response) => {
    const { receiver } = testBody.parse(request.body);
    // Entered first: nothing is sent that is not on record.
    await log.append([{ atMs: host.clock.nowMs(), actor: actorOf(request), details: { kind: 'receiver-test', receiver } }]);
    response.json(await testReceiver({ host, routing, sending }, receiver, actorOf(request)));
  });
  router.get('/:id', requireRole('viewer'), (request, response) => {
    const id = idOf(request);
    const all = alerts();
    const named = all.filter(({ name }) => name === id);
    const found = named.length > 0 ? named : all.filter(({ fingerprint, groups }) => id.length >= 4 && (fingerprint.startsWith(id) || groups.some((group) => group.startsWith(id))));
    if (found.length === 0) throw notFound(`alert or group ${JSON.stringify(id)}`);
    const groups = viewGroups(routing.observed()).filter((group) => found.some((alert) => alert.groups.includes(group.id)));
    response.json({ alerts: found, groups });
  });
  return router;
}

const silenceBody = z.strictObject({
  matchers: z.array(z.string().min(1).max(2_000)).min(1).max(50),
  startsAtMs: timeMs.optional(),
  endsAtMs: timeMs.optional(),
  forMs: lengthMs.optional(),
  comment: z.string().trim().min(1, 'say why: the comment is empty').max(2_000),
  by: person.optional(),
}).refine(({ endsAtMs, forMs }) => (endsAtMs === undefined) !== (forMs === undefined), { error: 'give either endsAtMs or forMs' });

/** `GET /`, `POST /`, `DELETE /:id`. */
export function silencesRoutes({ host, routing }: RoutingRoutesDeps): Router {
  const router = express.Router();
  const { alertmanagerUrl } = routing;
  if (alertmanagerUrl !== undefined) return alertmanagerSilencesRoutes(host, alertmanagerUrl, routing);
  router.get('/', requireRole('viewer'), (_request, response) => {
    const nowMs = host.clock.nowMs();
    response.json({ silences: routing.observed().state.silences.map((silence) => viewSilence(silence, nowMs)) });
  });
  router.post('/', requireRole('operator'), async (request, response) => {
    const { matchers, startsAtMs, endsAtMs, forMs, comment, by } = silenceBody.parse(request.body);
    const silence = await routing.change((before, _, nowMs) => {
      const from = startsAtMs ?? nowMs;
      return createSilence(before, { id: host.random.uuid(), matchers: matchers.flatMap((text) => parseMatchers(text)), startsAtMs: from, endsAtMs: endsAtMs ?? from + (forMs ?? 0), author: by ?? actorOf(request), comment }, nowMs);
    });
    response.status(201).json(viewSilence(silence, host.clock.nowMs()));
  });
  router.delete('/:id', requireRole('operator'), async (request, response) => {
    const silence = await routing.change((before, _, nowMs) => expireSilence(before, idOf(request), actorOf(request), nowMs));
    response.json(viewSilence(silence, host.clock.nowMs()));
  });
  return router;
}

/** The same where an outside Alertmanager keeps the silences: they are asked of it and made there. */
function alertmanagerSilencesRoutes(host: Host, url: string, routing: Routing): Router {
  const router = express.Router();
  router.get('/', requireRole('viewer'), async (_request, response) => void response.json({ silences: await listSilences(host, url) }));
  router.post('/', requireRole('operator'), async (request, response) => {
    const { matchers, startsAtMs, endsAtMs, forMs, comment, by } = silenceBody.parse(request.body);
    const nowMs = host.clock.nowMs();
    const from = startsAtMs ?? nowMs;
    const wanted = { id: '', matchers: matchers.flatMap((text) => parseMatchers(text)), startsAtMs: from, endsAtMs: endsAtMs ?? from + (forMs ?? 0), author: by ?? actorOf(request), comment };
    // Checked as if it were ours, so that both keep to the same bounds.
    createSilence(routing.remembered(), wanted, nowMs);
    const silence: Silence = { ...wanted, id: await makeSilence(host, url, wanted), createdAtMs: nowMs };
    await routing.change((before) => ({ after: before, events: [silenceEvent(silence, 'created', silence.author, nowMs)], result: undefined }));
    response.status(201).json(viewSilence(silence, nowMs));
  });
  router.delete('/:id', requireRole('operator'), async (request, response) => {
    const silence = findById(await listSilences(host, url), idOf(request), { what: 'silence', list: 'sora alerts silence ls' });
    await endSilence(host, url, silence.id);
    const nowMs = host.clock.nowMs();
    const ended: Silence = { ...silence, matchers: silence.matchers.flatMap((text) => parseMatchers(text)), createdAtMs: silence.startsAtMs, endsAtMs: nowMs };
    await routing.change((before) => ({ after: before, events: [silenceEvent(ended, 'ended', actorOf(request), nowMs)], result: undefined }));
    response.json({ ...silence, state: 'expired', endsAtMs: nowMs });
  });
  return router;
}

const overrideBody = z.strictObject({ schedule: z.string().min(1).max(100), person: z.string().min(1).max(100), fromMs: timeMs, toMs: timeMs });

/** `GET /?atMs=`, `GET /overrides`, `POST /overrides`, `DELETE /overrides/:id`. */
export function oncallRoutes({ host, routing }: RoutingRoutesDeps): Router {
  const router = express.Router();
  router.get('/', requireRole('viewer'), (request, response) => {
    const atMs = z.coerce.number().int().min(0).max(8_000_000_000_000).optional().parse(request.query['atMs']) ?? host.clock.nowMs();
    const { schedules, people } = routing.loaded.oncall;
    const { overrides } = routing.remembered();
    response.json({
      atMs,
      schedules: Object.values(schedules).map((schedule) => {
        const now = whoIsOnCall(schedule, overrides, atMs);
        return {
          schedule: schedule.name,
          timeZone: schedule.timeZone,
          person: now?.person ?? null,
          name: now === undefined ? null : (people[now.person]?.name ?? now.person),
          via: now === undefined ? 'nobody' : now.via.kind === 'layer' ? now.via.layer : 'override',
          untilMs: nextChangeMs(schedule, overrides, atMs) ?? null,
          next: whoIsNext(schedule, overrides, atMs, 1) ?? null,
          shifts: schedule.layers.map((layer) => ({ layer: layer.name, ...shiftAt(layer, schedule.timeZone, atMs) })),
        };
      }),
    });
  });
  router.get('/overrides', requireRole('viewer'), (_request, response) => void response.json({ overrides: routing.remembered().overrides }));
  router.post('/overrides', requireRole('operator'), async (request, response) => {
    const wanted = overrideBody.parse(request.body);
    const override = await routing.change((before, _, nowMs) => addOverride(before, routing.loaded.oncall, { id: host.random.uuid(), ...wanted }, actorOf(request), nowMs));
    response.status(201).json(override);
  });
  router.delete('/overrides/:id', requireRole('operator'), async (request, response) => {
    response.json(await routing.change((before, _, nowMs) => endOverride(before, idOf(request), actorOf(request), nowMs)));
  });
  return router;
}
