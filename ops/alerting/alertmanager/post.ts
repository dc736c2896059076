/** Hands alerts to an outside Alertmanager, as Prometheus does: at once when something changes, and again and again while it fires. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { SoraError, messageOf } from '../../core/error.ts';
import type { Host, Timer } from '../../core/host.ts';
import type { Labels } from '../../metricstore/series.ts';
import type { RoutedAlert } from '../alert.ts';

export interface PosterOptions {
  readonly host: Host;
  /** Its address without a path, such as `http://127.0.0.1:9093`. */
  readonly url: string;
  readonly onError: (error: unknown) => void;
  /** As people reach SORA: `generatorURL` of alerts. */
  readonly externalUrl: string;
  /** Put on alerts that leave, as Prometheus does; a label of the alert itself stays as it is. */
  readonly externalLabels?: Labels;
}

export interface AlertmanagerPoster {
  onAlerts(alerts: readonly RoutedAlert[], isChanged: boolean): void;
  counts(): { readonly posted: number; readonly failures: number; readonly dropped: number };
  /** Since when Alertmanager is asked to take alerts and has not taken all; undefined while it has. */
  unpostedSinceMs(): number | undefined;
  /** Resolves once nothing is being posted. */
  settled(): Promise<void>;
  stop(): Promise<void>;
}

/** Prometheus' resend delay. An alert that is not heard of for four of them ends by itself at Alertmanager. */
const resendMs = 60_000;
/** Alerts of one request, as in Prometheus. */
const batchMax = 64;
/** Alerts of one round beyond which the lesser are dropped and counted. */
const alertsMax = 10_000;
const timeoutMs = 10_000;
const retryMs = [1_000, 2_000, 5_000, 10_000, 30_000] as const;

export function createPoster(options: PosterOptions): AlertmanagerPoster {
  const { host } = options;
  let alerts: readonly RoutedAlert[] = [];
  let working: Promise<void> | undefined;
  let timer: Timer | undefined;
  let [isDue, isStopped, failuresInARow] = [false, false, 0];
  const counts = { posted: 0, failures: 0, dropped: 0 };
  let unpostedSinceMs: number | undefined;

  const later = (delayMs: number): void => {
    timer?.cancel();
    if (!isStopped) timer = host.timers.after(delayMs, wake).unref();
  };
  const round = async (): Promise<void> => {
    isDue = false;
    unpostedSinceMs ??= host.clock.nowMs();
    try {
      const sent = alerts.slice(0, alertsMax);
      for (let at = 0; at < sent.length; at += batchMax) await post(options, toAlertmanager(sent.slice(at, at + batchMax), options.externalUrl, host.clock.nowMs(), options.externalLabels));
      counts.posted += sent.length;
      counts.dropped += alerts.length - sent.length;
      failuresInARow = 0;
      unpostedSinceMs = undefined;
      later(resendMs);
    } catch (error) {
      counts.failures += 1;
      options.onError(error);
      later(retryMs[Math.min(failuresInARow, retryMs.length - 1)] ?? resendMs);
      failuresInARow += 1;
    }
    // Something changed meanwhile.
    working = isDue && !isStopped ? begin() : undefined;
    await working;
  };
  // Not before the promise is kept: a round of nothing would end before that.
  const begin = (): Promise<void> => Promise.resolve().then(round);
  const wake = (): void => {
    isDue = true;
    if (working === undefined && !isStopped) working = begin();
  };
  return {
    onAlerts(found, isChanged) {
      alerts = found;
      // The timer repeats them; only the first ones after the start have none yet.
      if (isChanged || (timer === undefined && working === undefined)) wake();
    },
    counts: () => ({ ...counts }),
    unpostedSinceMs: () => unpostedSinceMs,
    settled: async () => await working,
    async stop() {
      isStopped = true;
      timer?.cancel();
      await working;
    },
  };
}

/** An alert as Alertmanager's API takes it. */
interface PostableAlert {
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly startsAt: string;
  readonly endsAt: string;
  readonly generatorURL: string;
}

/** The body of `POST /api/v2/alerts`. One that fires ends by itself unless it is repeated. */
export function toAlertmanager(alerts: readonly RoutedAlert[], externalUrl: string, nowMs: number, externalLabels: Labels = {}): PostableAlert[] {
  return alerts.map(({ labels, annotations, status, startsAtMs, endsAtMs, fingerprint, value, expression, impact }) => ({
    labels: { ...externalLabels, ...labels },
    annotations: {
      ...annotations,
      // What our webhook receiver needs to say as much as if SORA had grouped them; see webhook.ts.
      sora_value: String(value),
      sora_expression: expression.slice(0, 4_000),
      ...(impact === undefined ? {} : { sora_impact: impact }),
      ...addedNames(labels, externalLabels),
    },
    startsAt: new Date(startsAtMs).toISOString(),
    endsAt: new Date(status === 'resolved' ? (endsAtMs ?? nowMs) : nowMs + 4 * resendMs).toISOString(),
    generatorURL: `${externalUrl.replace(/\/+$/, '')}/api/sora/v1/alerts/${fingerprint}`,
  }));
}

/** Which labels are not the alert's own: without them it comes back under the fingerprint that it has here. */
function addedNames(labels: Labels, externalLabels: Labels): Labels {
  const added = Object.keys(externalLabels).filter((name) => !Object.hasOwn(labels, name));
  return added.length === 0 ? {} : { sora_external_labels: added.join(',') };
}

function post({ host, url }: PosterOptions, body: unknown): Promise<void> {
  return exchange(host, 'POST', `${url.replace(/\/+$/, '')}/api/v2/alerts`, body).then(() => undefined);
}

const replyMaxBytes = 16 * 1_048_576;

/**
 * A request to an outside Alertmanager.
 * @throws SoraError `alertmanager_unreachable` where it does not answer, `alertmanager_refused` with its words where it refuses
 */
export function exchange(host: Pick<Host, 'timers'>, method: 'GET' | 'POST' | 'DELETE', url: string, body: unknown): Promise<string> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const fail = (error: unknown): void => {
      timer.cancel();
      reject(new SoraError('alertmanager_unreachable', `Alertmanager at ${new URL(url).origin} does not answer: ${messageOf(error)}`, { status: 502, hint: 'see whether it runs, and ALERTMANAGER_URL', cause: error }));
    };
    const request = send(url, { method, headers: text === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } }, (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on('data', (part: Buffer) => {
        size += part.length;
        if (size > replyMaxBytes) request.destroy(new Error(`its reply has more than ${replyMaxBytes} bytes`));
        else parts.push(part);
      });
      response.once('error', fail);
      response.once('end', () => {
        timer.cancel();
        const reply = Buffer.concat(parts).toString('utf8');
        if ((response.statusCode ?? 0) < 300) resolve(reply);
        else reject(new SoraError('alertmanager_refused', `Alertmanager answers ${response.statusCode}: ${reply.slice(0, 500)}`, { status: 502 }));
      });
    });
    const timer = host.timers.after(timeoutMs, () => request.destroy(new Error(`no reply within ${timeoutMs} ms`)));
    request.on('error', fail);
    request.end(text);
  });
}
