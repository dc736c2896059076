import type { Host, Timer } from '../../core/host.ts';
import { messageOf } from '../../core/error.ts';
import type { Outcome } from '../../alerting/notifiers/outcome.ts';
import { tellingsMax } from './memory.ts';
import type { WatchMemory } from './memory.ts';
import { hear, look, resumeWatch } from './watch.ts';
import type { Heartbeat, Telling, WatchLimits, WatchState, Watched } from './watch.ts';

export interface WatchdogParts {
  readonly host: Host;
  readonly limits: WatchLimits;
  /** Each sends to one receiver. */
  readonly receivers: readonly WatchdogReceiver[];
  /** What outlives it; default nothing. */
  readonly memory?: WatchMemory;
  readonly log: (level: 'info' | 'warn' | 'error', text: string, fields: Readonly<Record<string, unknown>>) => void;
}

export interface WatchdogReceiver {
  readonly name: string;
  send(telling: Telling): Promise<Outcome>;
}

export interface Watchdog {
  hear(beat: Heartbeat): void;
  state(): WatchState;
  /** Silences told since the start, and tellings that no attempt delivered. */
  readonly counts: { told: number; undelivered: number };
  /** Resolves once nothing is being sent, or after `patienceMs`. */
  settled(patienceMs: number): Promise<void>;
  stop(): void;
}

const lookEveryMs = 1_000;
/** Attempts for one telling to one receiver, the waits doubling from the first to the longest: about 10 min in all. */
const attemptsMax = 14;
const firstWaitMs = 1_000;
const longestWaitMs = 60_000;

/** Watches the heartbeats of a control plane and tells its receivers when they stop. */
export function startWatchdog(parts: WatchdogParts): Watchdog {
  const { host, receivers, memory, log } = parts;
  const sending = new Set<Promise<void>>();
  const stopped = new AbortController();
  const counts = { told: 0, undelivered: 0 };
  const before = memory?.recall();
  let state = resumeWatch(before?.state, parts.limits, host.clock.nowMs());
  /** The oldest first. */
  const unsent = new Set<Telling>(before?.unsent);
  const remember = (): void => memory?.keep({ state, unsent: [...unsent] });

  const take = (watched: Watched): void => {
    const isNew = watched.state !== state;
    state = watched.state;
    for (const telling of watched.tellings) {
      counts.told++;
      log(telling.what === 'back' || telling.what === 'stopped' ? 'info' : 'error', telling.what, { event: 'watchdog', ...telling });
      for (const oldest of unsent) if (unsent.size >= tellingsMax) unsent.delete(oldest);
      unsent.add(telling);
    }
    // First, so that what is told is known to whoever comes next.
    if (isNew) remember();
    watched.tellings.forEach(tell);
  };
  const tell = (telling: Telling): void => {
    const all = receivers.map((receiver) => deliver(receiver, telling));
    const sent = Promise.all(all).then(() => {
      // What was broken off by our own end is told by who comes next.
      if (stopped.signal.aborted) return;
      unsent.delete(telling);
      remember();
    }).finally(() => sending.delete(sent));
    sending.add(sent);
  };
  const deliver = async (receiver: WatchdogReceiver, telling: Telling): Promise<void> => {
    for (let attempt = 1, waitMs = firstWaitMs; attempt <= attemptsMax && !stopped.signal.aborted; attempt++, waitMs = Math.min(longestWaitMs, waitMs * 2)) {
      const outcome = await receiver.send(telling).catch((error: unknown): Outcome => ({ kind: 'retry', error: messageOf(error) }));
      if (outcome.kind === 'sent') return;
      log('warn', `${receiver.name} did not take what the watchdog told`, { attempt, error: outcome.error, what: telling.what });
      if (outcome.kind === 'refused') break;
      await host.timers.sleep(Math.max(waitMs, outcome.afterMs ?? 0), stopped.signal).catch(() => undefined);
    }
    counts.undelivered++;
  };
  unsent.forEach(tell);
  const timer: Timer = host.timers.every(lookEveryMs, () => take(look(state, parts.limits, host.clock.nowMs())));
  return {
    hear: (beat) => take(hear(state, beat, host.clock.nowMs())),
    state: () => state,
    counts,
    async settled(patienceMs) {
      const limit = new AbortController();
      await Promise.race([Promise.all(sending), host.timers.sleep(patienceMs, limit.signal).catch(() => undefined)]);
      limit.abort();
    },
    stop() {
      timer.cancel();
      stopped.abort();
    },
  };
}
