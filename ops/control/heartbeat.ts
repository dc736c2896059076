import { messageOf } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { post } from '../alerting/notifiers/http.ts';
import type { Heartbeat } from './watchdog/watch.ts';

export interface HeartbeatParts {
  readonly host: Host;
  readonly everyMs: number;
  /** Any address that wants a POST while all is well, such as a dead man's switch elsewhere. */
  readonly outsideUrl: string | undefined;
  /** Each a `sora watchdog`. */
  readonly watchdogUrls: readonly string[];
  readonly secret: string;
  /** Why the control plane does not do its work; undefined while it does. A heartbeat is sent only then. */
  problem(): string | undefined;
  readonly onError: (text: string) => void;
}

export interface Heart {
  /** Heartbeats that were taken, and that were not, since the start; and those withheld for a problem. */
  readonly counts: { sent: number; failed: number; withheld: number };
  /** The last words: `stopping` where the whole stack is stopped, else `interrupted`. */
  stop(kind: 'stopping' | 'interrupted'): Promise<void>;
}

const timeoutMs = 5_000;

/** Sends heartbeats from now on. Who says nothing while it cannot work is missed by whoever waits for it. */
export function startHeart(parts: HeartbeatParts): Heart {
  const { host } = parts;
  const instance = host.random.uuid();
  const counts = { sent: 0, failed: 0, withheld: 0 };
  const send = async (url: string, headers: Readonly<Record<string, string>>, body: string): Promise<void> => {
    try {
      const { status } = await post(host, { url, headers, body, timeoutMs });
      if (status < 200 || status > 299) throw new Error(`it answered ${status}`);
      counts.sent++;
    } catch (error) {
      counts.failed++;
      parts.onError(`the heartbeat to ${new URL(url).origin} failed: ${messageOf(error)}`);
    }
  };
  const tell = async (kind: Heartbeat['kind']): Promise<void> => {
    const body = JSON.stringify({ instance, kind } satisfies Heartbeat);
    await Promise.all([
      ...parts.watchdogUrls.map((url) => send(`${url}/heartbeat`, { authorization: `Bearer ${parts.secret}`, 'content-type': 'application/json' }, body)),
      // Services that wait for heartbeats take any POST; of our end they know only that no more comes.
      ...(parts.outsideUrl === undefined || kind !== 'alive' ? [] : [send(parts.outsideUrl, {}, '')]),
    ]);
  };
  const beat = (): void => {
    const problem = parts.problem();
    if (problem === undefined) void tell('alive');
    else {
      counts.withheld++;
      parts.onError(`no heartbeat: ${problem}`);
    }
  };
  beat();
  const timer = host.timers.every(parts.everyMs, beat);
  return {
    counts,
    async stop(kind) {
      timer.cancel();
      await tell(kind);
    },
  };
}
