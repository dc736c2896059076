import { request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';
import { SoraError } from '../../core/error.ts';
import type { Host } from '../../core/host.ts';

export interface RemoteOptions {
  readonly host: Host;
  /** Of the server without `/api/v1`; may hold `user:password@`. */
  readonly url: string;
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string | undefined;
  /** Default 30 s. */
  readonly timeoutMs?: number;
}

export interface RemoteReply {
  readonly status: number;
  readonly body: Buffer;
}

/** What one answer may be at most; beyond it the query should ask for less. */
const replyMaxBytes = 256 * 1_048_576;

/**
 * One request to a Prometheus.
 * @throws SoraError `remote_unreachable` (503) when there is no connection, no reply in time or too long a one
 */
export function askRemote(options: RemoteOptions, path: string, headers: Readonly<Record<string, string>>, body: Uint8Array | string, method: 'GET' | 'POST' = 'POST'): Promise<RemoteReply> {
  const { host, timeoutMs = 30_000, token } = options;
  const target = new URL(`${options.url.replace(/\/+$/, '')}${path}`);
  const [user, password] = [decodeURIComponent(target.username), decodeURIComponent(target.password)];
  target.username = '';
  target.password = '';
  const authorization = token !== undefined ? `Bearer ${token}` : user === '' ? undefined : `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  const sent = typeof body === 'string' ? Buffer.from(body) : body;
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      timer.cancel();
      reject(new SoraError('remote_unreachable', `Prometheus at ${target.origin} cannot be read: ${error.message || (error as NodeJS.ErrnoException).code}`, { status: 503, hint: 'check PROMETHEUS_URL and that the server is up', cause: error }));
    };
    const call = (target.protocol === 'https:' ? requestHttps : requestHttp)(target, {
      method, headers: { ...headers, 'content-length': sent.byteLength, ...(authorization === undefined ? {} : { authorization }) },
    }, (response) => {
      const chunks: Buffer[] = [];
      let sizeBytes = 0;
      response.on('data', (chunk: Buffer) => {
        sizeBytes += chunk.length;
        if (sizeBytes > replyMaxBytes) call.destroy(new Error(`the answer passes ${replyMaxBytes} bytes`));
        else chunks.push(chunk);
      });
      response.on('end', () => {
        timer.cancel();
        resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks) });
      });
      response.on('error', fail);
    });
    const timer = host.timers.after(timeoutMs, () => call.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    call.on('error', fail);
    call.end(sent);
  });
}
