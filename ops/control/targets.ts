import type { Host } from '../core/host.ts';
import { readStackState } from '../supervisor/stack-state.ts';
import type { StackState } from '../supervisor/stack-state.ts';
import type { Topology } from '../supervisor/topology.ts';
import type { AlertSettings } from './settings.ts';

/** Something with metrics. `job` and `instance` are what a Prometheus with deploy/prometheus would name it. */
export interface Target {
  readonly job: string;
  readonly url: string;
  /** Beside `job` and `instance`, which they may replace. */
  readonly labels: Readonly<Record<string, string>>;
  readonly bearerToken?: string | undefined;
}

/** What is scraped: every process of the stack that has metrics, running or not, and what the settings name. */
export function listTargets(stack: StackState | undefined, topology: Topology, settings: Pick<AlertSettings, 'targets'>): Target[] {
  return [...(stack === undefined ? targetsOfTopology(topology) : targetsOfStack(stack)), ...settings.targets];
}

function targetsOfStack({ processes }: StackState): Target[] {
  return processes.flatMap(({ service, name, metricsUrl }) => (metricsUrl === null ? [] : [{ job: service || name, url: metricsUrl, labels: {} }]));
}

function targetsOfTopology({ processes, ports }: Topology): Target[] {
  return processes.flatMap(({ name, port, readiness, replicas }): Target[] => {
    const base = readiness.kind === 'http' ? ports[readiness.port ?? port ?? ''] : undefined;
    return base === undefined ? [] : Array.from({ length: replicas }, (_, replica) => ({ job: name, url: `http://127.0.0.1:${base + replica}/metrics`, labels: {} }));
  });
}

export interface TargetPlaces {
  /** Folder of the stack's state; undefined where no supervisor keeps one. */
  readonly stateDir: string | undefined;
  /** Path of the topology. */
  readonly topology: string;
}

/** The state that the supervisor last wrote; undefined where there is none. */
export function readStack(host: Host, { stateDir }: TargetPlaces): StackState | undefined {
  return stateDir === undefined ? undefined : readStackState(host, stateDir);
}

