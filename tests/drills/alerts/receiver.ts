import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once } from 'node:events';
import { z } from 'zod';
import type { Host } from '../../../ops/core/host.ts';

const payloadSchema = z.object({
  status: z.enum(['firing', 'resolved']),
  alerts: z.array(z.object({ status: z.enum(['firing', 'resolved']), labels: z.record(z.string(), z.string()), annotations: z.record(z.string(), z.string()), startsAt: z.string(), fingerprint: z.string(), measured: z.string() })),
  sora: z.object({ notificationId: z.string(), ackUrl: z.string().nullable() }).loose(),
});

/** One message as it came in. */
export interface Message {
  readonly atMs: number;
  readonly payload: z.infer<typeof payloadSchema>;
}

/** A receiver of webhooks; keeps what it took. */
export interface Receiver extends AsyncDisposable {
  readonly url: string;
  readonly messages: readonly Message[];
  /** Messages it could not read. */
  readonly unreadable: number;
  /** Answers messages about this alert with a status of its own; undefined ends that. */
  answer(alert: string, status: number | undefined): void;
}

const bodyMaxBytes = 1_048_576;

export async function startReceiver(host: Host): Promise<Receiver> {
  const messages: Message[] = [];
  const answers = new Map<string, number>();
  let unreadable = 0;
  const take = (body: string): number => {
    const payload = payloadSchema.safeParse(JSON.parse(body));
    if (!payload.success) {
      unreadable += 1;
      return 400;
    }
    const refusal = payload.data.alerts.map(({ labels }) => answers.get(labels['alertname'] ?? '')).find((status) => status !== undefined);
    if (refusal !== undefined) return refusal;
    messages.push({ atMs: host.clock.nowMs(), payload: payload.data });
    return 200;
  };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (part: string) => {
      body += part;
      if (body.length > bodyMaxBytes) request.destroy();
    });
    request.on('end', () => {
      try {
        response.writeHead(take(body)).end();
      } catch {
        unreadable += 1;
        response.writeHead(400).end();
      }
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    messages,
    get unreadable() {
      return unreadable;
    },
    answer(alert, status) {
      if (status === undefined) answers.delete(alert);
      else answers.set(alert, status);
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
