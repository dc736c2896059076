import type { Host } from '../core/host.ts';
import { launch } from './launch.ts';
import type { LaunchContext, Running } from './launch.ts';
import type { ProcessPlan } from './plan.ts';
import { decide, newRecord } from './process-state.ts';
import type { ExitOf, Observed, ProbeResult, ProcessPolicy, ProcessRecord } from './process-state.ts';

export interface Supervised {
  readonly plan: ProcessPlan;
  readonly policy: ProcessPolicy;
  record: ProcessRecord;
  wanted: boolean;
  running: Running | undefined;
  exit: ExitOf | undefined;
  probe: ProbeResult;
  probing: boolean;
  nextProbeMs: number;
  /** Wall time at which it first became ready in this life. */
  readyAtMs: number | undefined;
  /** What it printed before it last ended unasked. */
  lastWords: string;
}

export interface Supervision {
  readonly processes: readonly Supervised[];
  /** Starts or stops processes; in order of dependence, as they become ready or end. */
  want(wanted: (plan: ProcessPlan) => boolean): void;
  /** Forgives those that were given up, which then start again as at the beginning. */
  retryFailed(): void;
  close(): void;
}

export interface SupervisionOptions extends LaunchContext {
  readonly plans: readonly ProcessPlan[];
  /** The environment of a process, asked for at each start. */
  envOf(plan: ProcessPlan): Record<string, string>;
  probe(plan: ProcessPlan): Promise<ProbeResult>;
  /** Called after every round in which a status, a pid or a number of crashes changed, with the processes whose status did. */
  onChange(changed: readonly Supervised[]): void;
}

const roundEveryMs = 100;
const probeEveryMs = { starting: 100, ready: 1_000, unready: 250 } as const;

/** Runs `decide` over all processes and carries out what it says. */
export function supervise(options: SupervisionOptions): Supervision {
  const { host } = options;
  const processes = options.plans.map((plan) => newSupervised(host, plan));
  let closed = false;
  let queued = false;
  let shown = '';

  const round = (): void => {
    queued = false;
    if (closed) return;
    const changed = processes.filter((process) => {
      const from = process.record.status;
      step(process);
      return process.record.status !== from;
    });
    for (const process of processes) ask(process);
    // Crashes that are long enough ago are forgotten without a change of status.
    const seen = processes.map(({ running, record }) => `${running?.pid}/${record.crashesMs.length}`).join();
    if (changed.length === 0 && seen === shown) return;
    shown = seen;
    options.onChange(changed);
    // One change can release the next.
    soon();
  };
  const soon = (): void => {
    if (queued) return;
    queued = true;
    host.timers.after(0, round);
  };

  const step = (process: Supervised): void => {
    const observed = observe(process, processes);
    process.exit = undefined;
    const { record, actions } = decide(observed, host.clock.monotonicMs());
    if (observed.process !== 'absent' && observed.process !== 'running') process.probe = 'none';
    process.record = record;
    if (record.status === 'ready') process.readyAtMs ??= host.clock.nowMs();
    for (const action of actions) {
      if (action.do === 'signal') process.running?.signal(action.signal);
      else begin(process);
    }
  };
  const begin = (process: Supervised): void => {
    process.probe = 'none';
    process.nextProbeMs = 0;
    process.readyAtMs = undefined;
    const running = launch(options, process.plan, options.envOf(process.plan), (exit) => {
      process.lastWords = running.lastWords();
      process.running = undefined;
      process.exit = exit;
      soon();
    });
    process.running = running;
  };
  const ask = (process: Supervised): void => {
    const { status } = process.record;
    if (process.policy.task || process.running === undefined || process.probing) return;
    if (status !== 'starting' && status !== 'ready' && status !== 'unready') return;
    const nowMs = host.clock.monotonicMs();
    if (nowMs < process.nextProbeMs) return;
    const asked = process.running;
    process.probing = true;
    void options.probe(process.plan).then((result) => {
      process.probing = false;
      process.nextProbeMs = host.clock.monotonicMs() + probeEveryMs[status];
      // An answer about a process that has ended meanwhile says nothing of its successor.
      if (process.running !== asked || process.probe === result) return;
      process.probe = result;
      soon();
    });
  };

  const timer = host.timers.every(roundEveryMs, round);
  return {
    processes,
    want(wanted) {
      for (const process of processes) process.wanted = wanted(process.plan);
      soon();
    },
    retryFailed() {
      for (const process of processes) {
        const { status, restarts } = process.record;
        if (status === 'failed') process.record = { ...newRecord(host.clock.monotonicMs()), restarts: restarts + 1 };
      }
      soon();
    },
    close() {
      closed = true;
      timer.cancel();
    },
  };
}

function newSupervised(host: Host, plan: ProcessPlan): Supervised {
  const { spec } = plan;
  const grace = spec.stopGraceMs;
  return {
    plan,
    policy: {
      task: spec.kind === 'task',
      restart: spec.restart,
      readyTimeoutMs: spec.readiness.timeoutMs,
      stopLadder:
        spec.runtime === 'postgres'
          ? [{ signal: 'SIGINT', afterMs: 0 }, { signal: 'SIGQUIT', afterMs: grace }, { signal: 'SIGKILL', afterMs: grace + 6_000 }]
          : [{ signal: 'SIGTERM', afterMs: 0 }, { signal: 'SIGKILL', afterMs: grace }],
    },
    record: newRecord(host.clock.monotonicMs()),
    wanted: false,
    running: undefined,
    exit: undefined,
    probe: 'none',
    probing: false,
    nextProbeMs: 0,
    readyAtMs: undefined,
    lastWords: '',
  };
}

/** Whether `process` needs one named `name`, directly or through others. */
function dependsOn(process: Supervised, name: string, all: readonly Supervised[]): boolean {
  const needs = process.plan.spec.dependsOn;
  return needs.includes(name) || all.some((other) => needs.includes(other.plan.spec.name) && dependsOn(other, name, all));
}

function observe(process: Supervised, all: readonly Supervised[]): Observed {
  const needs = process.plan.spec.dependsOn;
  const { name } = process.plan.spec;
  return {
    policy: process.policy,
    record: process.record,
    wanted: process.wanted,
    dependenciesReady: all.every((other) => !needs.includes(other.plan.spec.name) || other.record.status === 'ready'),
    dependentsGone: all.every((other) => other.running === undefined || !dependsOn(other, name, all)),
    process: process.exit ?? (process.running === undefined ? 'absent' : 'running'),
    probe: process.probe,
  };
}
