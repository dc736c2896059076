import { join } from 'node:path';
import type { Host } from '../../ops/core/host.ts';
import { addSpent, spentTogether } from '../report/spent.ts';
import type { Spent } from '../report/spent.ts';
import type { Summary } from '../report/summary-schema.ts';
import { runHarness } from './harness-run.ts';
import { figuresOf, loadFlags, loadOf } from './probe.ts';
import type { Lever } from './probe.ts';
import type { CapacityProbe } from './result-schema.ts';
import { decide } from './search.ts';
import type { Finding, Observation, Probe, SearchPlan } from './search.ts';

export interface SearchOptions {
  readonly host: Host;
  readonly plan: SearchPlan;
  /** Prefix of the probes' run ids. */
  readonly runId: string;
  /** State folder of the probes' runs. */
  readonly home: string;
  readonly scenario: string;
  /** More flags of each run. */
  readonly flags: readonly string[];
  readonly usersMax: number;
  /** Default users. */
  readonly lever?: Lever;
  readonly signal: AbortSignal;
  /** Called before and after each probe. */
  readonly onStart?: (probe: Probe, number: number) => void;
  readonly onEnd?: (probe: CapacityProbe, number: number) => void;
}

export interface SearchEnd {
  readonly finding: Finding;
  readonly probes: readonly CapacityProbe[];
  /** Of the confirming probe, else of the last that measured. */
  readonly summary: Summary | undefined;
  /** What all probes used. */
  readonly used: Spent;
}

/** Runs probes, one after the other, until the search knows. What is decided is all in `decide`. */
export async function searchCapacity(options: SearchOptions): Promise<SearchEnd> {
  const observed: Observation[] = [];
  const probes: CapacityProbe[] = [];
  let summary: Summary | undefined;
  let confirmed = false;
  let perUser = 1;
  let used = addSpent([]);
  for (;;) {
    const decision = options.signal.aborted
      ? { kind: 'done' as const, finding: { kind: 'unmeasured' as const, why: 'interrupted' } }
      : decide(options.plan, observed);
    if (decision.kind === 'done') return { finding: decision.finding, probes, summary, used };
    const { probe } = decision;
    options.onStart?.(probe, probes.length + 1);
    const ran = await runProbe(options, probe, probes.length + 1, perUser);
    // Journeys may act more or less often than their think times tell; the probe is repeated with what was seen.
    perUser *= ran.perUser;
    used = addSpent([used, spentTogether([ran.summary?.resources])]);
    // A run that was interrupted answers nothing.
    if (options.signal.aborted) continue;
    observed.push({ probe, outcome: ran.probe.outcome, tookMs: ran.probe.tookS * 1_000 });
    probes.push(ran.probe);
    const isProof = probe.purpose === 'confirm' && ran.probe.outcome === 'met';
    if (ran.summary !== undefined && (isProof || !confirmed)) summary = ran.summary;
    confirmed ||= isProof;
    options.onEnd?.(ran.probe, probes.length);
  }
}

async function runProbe(options: SearchOptions, probe: Probe, number: number, seen: number): Promise<{ probe: CapacityProbe; summary: Summary | undefined; perUser: number }> {
  const { host, lever } = options;
  const load = loadOf(probe.ratePerS, probe.holdMs, options.usersMax, lever, seen);
  const runId = `${options.runId}-p${String(number).padStart(2, '0')}`;
  const startMs = host.clock.monotonicMs();
  const end = await runHarness(host, {
    runId, home: options.home, signal: options.signal, expectedMs: load.rampMs + probe.holdMs,
    args: [options.scenario, ...options.flags, ...loadFlags(load, probe.holdMs, lever), '--note', `probe of a capacity search: ${probe.purpose}, ${probe.ratePerS}/s`],
  });
  const { reasons, perUser, ...figures } = figuresOf(probe, end, lever);
  return {
    summary: end.summary, perUser,
    probe: {
      runId, ratePerS: probe.ratePerS, purpose: probe.purpose, holdS: probe.holdMs / 1_000, users: load.users, thinkTimeS: load.thinkMs / 1_000,
      tookS: (host.clock.monotonicMs() - startMs) / 1_000, ...figures, reasons: [...reasons],
    },
  };
}

/** Where a search keeps its probes' runs, below its own folder. */
export const probesHome = (folder: string): string => join(folder, 'probes');
