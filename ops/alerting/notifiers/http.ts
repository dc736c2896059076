/** One POST to a receiver, over a socket of its own: notifications are few, and a fresh connection has no past. */
import { request as requestHttp } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http';
import { request as requestHttps } from 'node:https';
import { messageOf } from '../../core/error.ts';
import type { Host } from '../../core/host.ts';
import type { Outcome } from './outcome.ts';
import type { IntegrationSettings } from './settings.ts';
import { withoutSecrets } from './text.ts';

export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** As UTF-8, at most 64 KiB; the rest is not read. */
  readonly body: string;
}

const replyBytesMax = 65_536;

/**
 * Sends a POST and reads the reply; redirects are not followed, so that a message goes nowhere but where the
 * configuration says.
 * @throws Error when the connection fails, is broken off or takes longer than `timeoutMs`
 */
export function post(host: Host, { url, headers, body, timeoutMs }: Post): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const target = new URL(url);
    const send = target.protocol === 'https:' ? requestHttps : requestHttp;
    const length = String(Buffer.byteLength(body));
    const request = send(target, { method: 'POST', agent: false, headers: { 'user-agent': 'sora-alerting/1', ...headers, 'content-length': length } });
    const timer = host.timers.after(timeoutMs, () => request.destroy(new Error(`no reply within ${timeoutMs} ms`)));
    const fail = (error: unknown): void => {
      timer.cancel();
      reject(error instanceof Error ? error : new Error(messageOf(error)));
    };
    request.on('error', fail);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const finish = (): void => {
        timer.cancel();
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).subarray(0, replyBytesMax).toString('utf8') });
      };
      response.on('data', (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size < replyBytesMax) return;
        finish();
        response.destroy();
      });
      response.on('end', finish);
      response.on('error', fail);
      response.on('aborted', () => fail(new Error('the receiver broke the reply off')));
    });
    request.end(body);
  });
}

/** Milliseconds a `Retry-After` names, in seconds or as a date; undefined where there is none that can be read. */
export function readRetryAfter(value: string | undefined, nowMs: number): number | undefined {
  const text = value?.trim() ?? '';
  if (/^\d+(\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1_000);
  const atMs = /^[A-Za-z]{3},/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atMs) ? undefined : Math.max(0, atMs - nowMs);
}

/** What a status means for the next try: 2xx is sent; 408, 425, 429 and 5xx may go better later; the rest will not. */
export function outcomeOf(host: Host, reply: Reply, settings: IntegrationSettings): Outcome {
  const { status, headers, body } = reply;
  if (status >= 200 && status < 300) return { kind: 'sent' };
  const error = withoutSecrets(`${settings.kind} answered ${status}${body === '' ? '' : `: ${body}`}`, settings);
  const isPassing = status >= 500 || status === 408 || status === 425 || status === 429;
  return isPassing ? { kind: 'retry', error, afterMs: readRetryAfter(headers['retry-after'], host.clock.nowMs()) } : { kind: 'refused', error };
}

/** Runs an attempt; a connection that failed is worth another. */
export async function attempt(settings: IntegrationSettings, work: () => Promise<Outcome>): Promise<Outcome> {
  try {
    return await work();
  } catch (error) {
    return { kind: 'retry', error: withoutSecrets(`${settings.kind}: ${messageOf(error) || ((error as NodeJS.ErrnoException).code ?? 'the connection failed')}`, settings) };
  }
}
