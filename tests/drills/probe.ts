import { Agent, request } from 'node:http';
import type { Host } from '../../ops/core/host.ts';

/** One reply as a client of the gateway saw it. */
export interface Probed {
  readonly atMs: number;
  /** 0 where no reply came. */
  readonly status: number;
  readonly retryAfter: string | undefined;
  /** From the call to the last byte read. */
  readonly tookMs: number;
}

export interface Prober {
  /** Every reply so far, in order of sending; at most `probesMax`. */
  readonly probed: readonly Probed[];
  /**
   * Puts this process before others where that is allowed, until the stop: it stands for a client on another
   * machine, whose own wait for a core would not count. Children started meanwhile would inherit it.
   */
  hurry(): void;
  stop(): void;
}

const probesMax = 200_000;
const timeoutMs = 10_000;
const hurriedNiceness = -10;

/**
 * Asks for a page at a steady pace, whatever the replies, beside the load: what it is answered is a
 * sample of what everybody is. It runs in a process that does little else, so its own delay is small.
 * @param tokens access tokens, used in turn so that no rate limit of a user is met
 */
export function startProber(host: Host, target: string, tokens: readonly string[], perS: number): Prober {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  const probed: Probed[] = [];
  let sent = 0;
  const ask = (): void => {
    if (sent >= probesMax) return;
    const client = sent++ % tokens.length;
    // Each has an address of its own, as the harness's users do, or the limit of one address would answer.
    const headers = { authorization: `Bearer ${tokens[client] ?? ''}`, 'x-forwarded-for': `10.255.${client >>> 8}.${client & 255}` };
    const atMs = host.clock.nowMs();
    const startMs = host.clock.monotonicMs();
    const finish = (status: number, retryAfter?: string): void => {
      probed.push({ atMs, status, retryAfter, tookMs: host.clock.monotonicMs() - startMs });
    };
    const outgoing = request(`${target}/feed?limit=20`, { agent, headers, timeout: timeoutMs }, (reply) => {
      reply.resume().once('end', () => finish(reply.statusCode ?? 0, reply.headers['retry-after'])).once('error', () => finish(0));
    });
    outgoing.once('timeout', () => outgoing.destroy(new Error('no reply in time')));
    outgoing.once('error', () => finish(0));
    outgoing.end();
  };
  const timer = host.timers.every(1_000 / perS, ask);
  return {
    probed,
    hurry: () => host.process.setNiceness(hurriedNiceness),
    stop() {
      host.process.setNiceness(0);
      timer.cancel();
      agent.destroy();
    },
  };
}

/** Access tokens of seeded users, as the harness gets them. */
export function issueTokens(adminUrl: string, secret: string, accounts: { readonly from: number; readonly count: number }): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify({ fromUserId: accounts.from, count: accounts.count, ttlS: 3_600 });
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const outgoing = request(`${adminUrl}/admin/sessions`, { method: 'POST', headers }, (reply) => {
      let text = '';
      reply.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      reply.once('end', () => {
        if (reply.statusCode !== 200 && reply.statusCode !== 201) return reject(new Error(`sessions were refused: ${reply.statusCode} ${text.slice(0, 200)}`));
        resolve((JSON.parse(text) as { sessions: { accessToken: string }[] }).sessions.map(({ accessToken }) => accessToken));
      });
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}
