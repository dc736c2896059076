import { assertNever } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { pinTarget } from '../swarm/guard.ts';
import type { TargetPolicy } from '../swarm/guard.ts';
import type { LiveView, WorkerTick } from '../swarm/measurement.ts';
import { openCsv } from './csv.ts';
import { replacedText } from './file.ts';
import { targetOf } from './flag.ts';
import type { OutputSpec } from './flag.ts';
import { openHdrLog } from './hdr-log.ts';
import { openJsonLines } from './json-lines.ts';
import { Outbox } from './outbox.ts';
import type { OutputReport, Sink } from './outbox.ts';
import { SecondCollector } from './second.ts';

export interface OutputsOptions {
  readonly host: Host;
  readonly policy: TargetPolicy;
  readonly version: string;
  /** Which run this is, for systems that keep many: names as Prometheus wants them, no value empty. */
  readonly labels: Readonly<Record<string, string>>;
  readonly log: (message: string) => void;
}

/** All outputs of one run, behind the hooks that the engine calls. */
export interface RunOutputs {
  onStart(startedAtMs: number): void;
  onWorkerTick(tick: WorkerTick): void;
  onTick(live: LiveView): void;
  /** Gives all of them, at once, a few seconds to take what waits; says how each went. */
  close(): Promise<OutputReport[]>;
}

/**
 * Opens outputs before the run begins.
 * @throws SoraError `invalid_config` on a file that cannot be written and on an address that the guard refuses
 */
export async function openOutputs(specs: readonly OutputSpec[], options: OutputsOptions): Promise<RunOutputs> {
  const outboxes: Outbox[] = [];
  try {
    for (const spec of specs) {
      const replaced = 'path' in spec ? replacedText(options.host, spec.path) : undefined;
      if (replaced !== undefined) options.log(replaced);
      outboxes.push(new Outbox({ host: options.host, kind: spec.kind, target: targetOf(spec), sink: await openSink(spec, options), log: options.log }));
    }
  } catch (error) {
    await Promise.all(outboxes.map((outbox) => outbox.close()));
    throw error;
  }
  const collector = new SecondCollector();
  let startedAtMs = options.host.clock.nowMs();
  return {
    onStart: (atMs) => {
      startedAtMs = atMs;
    },
    onWorkerTick: (tick) => {
      if (outboxes.length > 0) collector.add(tick);
    },
    onTick: (live) => {
      if (outboxes.length === 0) return;
      const second = collector.close(live, startedAtMs);
      for (const outbox of outboxes) outbox.write(second);
    },
    close: () => Promise.all(outboxes.map((outbox) => outbox.close())),
  };
}

async function openSink(spec: OutputSpec, { host, policy, version, labels }: OutputsOptions): Promise<Sink> {
  switch (spec.kind) {
    case 'csv':
      return openCsv(host, spec.path);
    case 'json':
      return openJsonLines(host, spec.path);
    case 'hdrlog':
      return openHdrLog(host, spec.path, version);
    case 'otlp':
      return (await import('./otlp.ts')).createOtlp(host, spec.url, await pinned(spec.url, policy), labels, version);
    case 'prometheus-remote-write':
      return (await import('./prometheus.ts')).createRemoteWrite(host, spec.url, await pinned(spec.url, policy), labels, version);
    default:
      return assertNever(spec);
  }
}

/** The guard's policy with the receiver's name bound to the addresses it has now, as for targets. */
function pinned(url: URL, policy: TargetPolicy): Promise<TargetPolicy> {
  return pinTarget(`http://${url.host}`, policy);
}
