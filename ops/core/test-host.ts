import { randomBytes, randomUUID } from 'node:crypto';
import { createNodeHost } from './node-host.ts';
import type { Host, Output, Timer } from './host.ts';

/** A host whose time only moves when told, for tests. Files and process are the real ones. */
export interface TestHost extends Host {
  /** Moves both clocks on and runs the timers that fall due, in order of their due time. */
  advance(durationMs: number): Promise<void>;
  readonly written: { stdout: string; stderr: string };
}

interface Pending {
  dueMs: number;
  order: number;
  periodMs: number | undefined;
  run: () => void;
}

/** @param startMs wall time at the start; default 2026-01-01T00:00:00Z */
export function createTestHost(startMs = Date.UTC(2026, 0, 1)): TestHost {
  const real = createNodeHost();
  const written = { stdout: '', stderr: '' };
  const pending = new Set<Pending>();
  let nowMs = startMs;
  let order = 0;

  const schedule = (delayMs: number, run: () => void, periodMs?: number): Timer => {
    const entry: Pending = { dueMs: nowMs + Math.max(0, delayMs), order: order++, periodMs, run };
    pending.add(entry);
    const timer: Timer = { cancel: () => void pending.delete(entry), unref: () => timer };
    return timer;
  };
  const next = (untilMs: number): Pending | undefined =>
    [...pending].filter((p) => p.dueMs <= untilMs).toSorted((a, b) => a.dueMs - b.dueMs || a.order - b.order)[0];
  const capture = (name: 'stdout' | 'stderr'): Output => ({
    write: (text) => {
      written[name] += text;
    },
    isTty: false,
    columns: 80,
  });

  return {
    ...real,
    written,
    stdout: capture('stdout'),
    stderr: capture('stderr'),
    clock: { nowMs: () => nowMs, monotonicMs: () => nowMs - startMs },
    random: { float: () => Math.random(), bytes: (n) => randomBytes(n), uuid: () => randomUUID() },
    timers: {
      after: (delayMs, run) => schedule(delayMs, run),
      every: (periodMs, run) => schedule(periodMs, run, periodMs),
      soon: (run) => void schedule(0, run),
      sleep: (delayMs, signal) =>
        new Promise((resolve, reject) => {
          const timer = schedule(delayMs, resolve);
          signal?.addEventListener('abort', () => {
            timer.cancel();
            reject(signal.reason as Error);
          });
        }),
    },
    async advance(durationMs) {
      const untilMs = nowMs + durationMs;
      for (let due = next(untilMs); due !== undefined; due = next(untilMs)) {
        nowMs = due.dueMs;
        if (due.periodMs === undefined) pending.delete(due);
        else due.dueMs += due.periodMs;
        due.run();
        // Lets promises that the timer settled run before the next one.
        for (let turn = 0; turn < 5; turn++) await Promise.resolve();
      }
      nowMs = untilMs;
    },
  };
}
