/** Serves acknowledge links. Mounted outside authentication: the link is the proof. */
import express from 'express';
import type { Request, RequestHandler, Response, Router } from 'express';
import { formatDuration } from '../../core/duration.ts';
import { SoraError } from '../../core/error.ts';
import type { Host } from '../../core/host.ts';
import type { RoutedAlert } from '../alert.ts';
import { linkTo } from '../notifiers/message.ts';
import { acknowledge } from '../routing/actions.ts';
import { severityOf } from '../routing/message.ts';
import { ackOf, isFiring } from '../routing/state.ts';
import type { Group } from '../routing/state.ts';
import type { Routing } from '../routing/service.ts';
import { testLinkKey } from '../routing/test-receiver.ts';
import { viewAlerts } from '../routing/view.ts';
import { ackHeaders, renderAckPage } from './page.ts';
import type { AckPage } from './page.ts';
import { ackLinkMs, groupIdOf, readAck, signAck } from './token.ts';

export interface AckDeps {
  readonly host: Host;
  readonly routing: Routing;
  /** Signs links. */
  readonly key: string;
  /** Stands before a runbook's path, as in messages. Default: the path alone, without a link. */
  readonly runbookBaseUrl?: string | undefined;
}

/** Makes the links of `Observed.ackUrlOf`: `PUBLIC_URL/ack/TOKEN`. */
export function ackUrls(key: string, publicUrl: string): (groupKey: string, nowMs: number) => string {
  const base = publicUrl.replace(/\/+$/, '');
  return (groupKey, nowMs) => `${base}/ack/${signAck(key, { groupId: groupIdOf(groupKey), expiresAtMs: nowMs + ackLinkMs })}`;
}

/** `GET /TOKEN` shows a page and does nothing, as what scans mail opens every link; `POST /TOKEN` acknowledges. */
export function ackRoutes(deps: AckDeps): Router {
  const router = express.Router();
  router.use(((_request, response, next) => {
    response.set(ackHeaders);
    next();
  }) satisfies RequestHandler);
  router.get('/:token', (request, response) => answer(response, () => show(deps, request)));
  router.post('/:token', express.urlencoded({ extended: false, limit: 65_536, parameterLimit: 10 }), (request, response, next) => {
    post(deps, request).then((page) => send(response, page), (error: unknown) => (error instanceof SoraError ? send(response, refusal(deps, error), error.status) : next(error)));
  });
  router.use(((error: { status?: number }, _request, response, next) => {
    if (typeof error.status !== 'number' || error.status >= 500) return next(error);
    send(response, { title: 'That did not work', severity: '', alerts: [], notice: 'The form was not understood. Open the link again.', nowMs: deps.host.clock.nowMs() }, error.status);
  }) satisfies express.ErrorRequestHandler);
  const answer = (response: Response, make: () => AckPage): void => {
    try {
      send(response, make());
    } catch (error) {
      if (!(error instanceof SoraError)) throw error;
      send(response, refusal(deps, error), error.status);
    }
  };
  return router;
}

function send(response: Response, page: AckPage, status = 200): void {
  response.status(status).type('html').send(renderAckPage(page));
}

function refusal({ host }: AckDeps, error: SoraError): AckPage {
  return { title: 'This cannot be acknowledged', severity: '', alerts: [], notice: `${sentence(error.message)} ${error.hint === undefined ? '' : sentence(error.hint)}`.trim(), nowMs: host.clock.nowMs() };
}

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

function show(deps: AckDeps, request: Request): AckPage {
  const nowMs = deps.host.clock.nowMs();
  return pageOf(deps, readAck(deps.key, tokenOf(request), nowMs).groupId, nowMs);
}

const tokenOf = (request: Request): string => String(request.params['token'] ?? '');

function groupOf(routing: Routing, groupId: string): Group | undefined {
  return Object.values(routing.observed().state.groups).find((group) => groupIdOf(group.key) === groupId);
}

function pageOf(deps: AckDeps, groupId: string, nowMs: number, notice?: string): AckPage {
  const { routing } = deps;
  const { state } = routing.observed();
  const group = groupOf(routing, groupId);
  const firing = (group?.alerts ?? []).filter(isFiring).map(({ alert }) => alert);
  if (firing.length === 0) return pageOfNone(deps, groupId, nowMs);
  const alerts = firing.map((alert) => ({
    ...rowOf(deps, { ...alert, name: alert.labels['alertname'] ?? 'alert' }),
    ackedBy: group === undefined ? undefined : ackOf(state, group.key, alert.fingerprint, nowMs)?.by,
  }));
  const by = [...new Set(alerts.flatMap(({ ackedBy }) => ackedBy ?? []))];
  const isAll = alerts.every(({ ackedBy }) => ackedBy !== undefined);
  return {
    title: titleOf(alerts),
    severity: `${severityOf(firing)}, ${firing.length === 1 ? 'one alert' : `${firing.length} alerts`}`,
    alerts,
    notice: notice ?? (isAll ? `Acknowledged by ${by.join(', ')}.` : undefined),
    nowMs,
  };
}

/** Of a test of a receiver, and of a group of which nothing fires any more: what ended lately is named. */
function pageOfNone(deps: AckDeps, groupId: string, nowMs: number): AckPage {
  const { routing } = deps;
  const tested = routing.loaded.config.receivers.find(({ name }) => groupIdOf(testLinkKey(name)) === groupId);
  if (tested !== undefined) return { title: 'The link works', severity: '', alerts: [], notice: `This is of a test of the receiver ${tested.name}: nothing is wrong, and there is nothing to acknowledge. An alert shows its button here.`, nowMs };
  const ended = viewAlerts(routing.observed(), nowMs).filter(({ standing, groups }) => standing === 'resolved' && groups.includes(groupId));
  const alerts = ended.map((alert) => ({ ...rowOf(deps, alert), endedMs: alert.endsAtMs ?? nowMs }));
  return { title: alerts.length === 0 ? 'Nothing to acknowledge' : `${titleOf(alerts)}: resolved`, severity: '', alerts, notice: 'This has resolved: no alert of the group fires any more. sora incident ls shows what came of it.', nowMs };
}

function rowOf({ runbookBaseUrl }: AckDeps, { name, annotations, startsAtMs, fingerprint }: Pick<RoutedAlert, 'annotations' | 'startsAtMs' | 'fingerprint'> & { readonly name: string }): AckPage['alerts'][number] {
  const path = annotations['runbook'];
  return { name, summary: annotations['summary'] ?? '', sinceMs: startsAtMs, fingerprint, runbook: path === undefined ? undefined : { path, url: linkTo(path, runbookBaseUrl) } };
}

function titleOf(alerts: AckPage['alerts']): string {
  const names = [...new Set(alerts.map(({ name }) => name))];
  return `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;
}

const nameMax = 100;
const fingerprintsMax = 1_000;

async function post(deps: AckDeps, request: Request): Promise<AckPage> {
  const { host, routing, key } = deps;
  const nowMs = host.clock.nowMs();
  const { groupId } = readAck(key, tokenOf(request), nowMs);
  const body = (request.body ?? {}) as Record<string, unknown>;
  const by = typeof body['by'] === 'string' ? body['by'].replaceAll(/[\p{C}]+/gu, ' ').trim() : '';
  if (by === '' || by.length > nameMax) throw new SoraError('no_name', `a name has 1 to ${nameMax} characters`, { status: 400, hint: 'go back and write your name' });
  const shown = typeof body['fingerprints'] === 'string' ? body['fingerprints'].split(',').slice(0, fingerprintsMax) : [];
  // Of this group and no other, whatever the form says.
  const group = groupOf(routing, groupId);
  const own = new Set((group?.alerts ?? []).filter(isFiring).map(({ alert }) => alert.fingerprint));
  const fingerprints = shown.filter((fingerprint) => own.has(fingerprint));
  if (group === undefined || fingerprints.length === 0) return pageOf(deps, groupId, nowMs);
  const { replaced } = await routing.change((before) => acknowledge(before, { fingerprints, by, via: 'link', groupKey: group.key }, nowMs));
  const earlier = replaced.map((one) => `${one.by} had, ${formatDuration(nowMs - one.atMs)} ago`).join('; ');
  return pageOf(deps, groupId, nowMs, `Acknowledged by ${by}.${earlier === '' ? '' : ` Before, ${earlier}: speak to each other.`}`);
}
