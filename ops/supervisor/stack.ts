import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { SoraError, invalidConfig } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { prepareCluster } from './embedded-postgres.ts';
import type { Cluster } from './embedded-postgres.ts';
import { clearStaleLock } from './embedded-postgres-lock.ts';
import { claimFolder, placeSockets } from './embedded-postgres-place.ts';
import { ensureDatabase } from './embedded-postgres-wait.ts';
import { fixedPorts, listPortNames, planProcesses, renderEnv } from './plan.ts';
import type { ProcessPlan } from './plan.ts';
import { describePortOwner } from './port-owner.ts';
import { findFreePorts, isPortFree } from './ports.ts';
import { probeHttp, probeTcp } from './probe.ts';
import type { ProbeResult } from './process-state.ts';
import { isAlive, isRunning } from './process-table.ts';
import { startReaper } from './reaper-link.ts';
import { keepSecrets, writeSecrets } from './secrets.ts';
import { readStackState, writeStackState } from './stack-state.ts';
import type { StackProcess, StackState } from './stack-state.ts';
import { supervise } from './supervise.ts';
import type { Supervised } from './supervise.ts';
import type { Topology } from './topology.ts';

export interface StackOptions {
  readonly topology: Topology;
  /** Folder of the checkout; entries are relative to it. */
  readonly root: string;
  readonly stateDir: string;
  readonly ports: 'fixed' | 'free';
  /** Fixed ports that differ from the topology's, by name. */
  readonly portOverrides: Readonly<Record<string, number>>;
  /** Number of processes by name, where it differs from the topology's. */
  readonly replicas: Readonly<Record<string, number>>;
  /** An outside server; its database is used as it is and no PostgreSQL is started. */
  readonly databaseUrl: string | undefined;
  /** Folder of the embedded cluster. */
  readonly databaseFolder: string;
  /** Database of the embedded cluster, made when missing. */
  readonly database: string;
  /** Holds everything but the database back until `release`. */
  readonly hold: boolean;
}

export type StackEvent =
  | { readonly event: 'database'; readonly url: string; readonly tcpUrl: string }
  | { readonly event: 'process'; readonly name: string; readonly state: string; readonly pid: number | null; readonly restarts: number }
  | { readonly event: 'up' }
  | { readonly event: 'held' }
  | { readonly event: 'failed'; readonly message: string; readonly hint: string; readonly exitCode: ExitCode }
  | { readonly event: 'stopped' };

export interface Stack {
  state(): StackState;
  /** Starts what was held back, on this database. */
  release(url: string): void;
  /** Stops everything but the database; `held` follows when it is alone. */
  hold(): void;
  /** Stops all in reverse order; resolves when nothing runs. */
  stop(): Promise<void>;
}

const probeTimeoutMs = 2_000;

/** Starts the processes of a topology; `emit` hears what happens to them. */
export async function startStack(host: Host, options: StackOptions, emit: (event: StackEvent) => void): Promise<Stack> {
  const { topology, stateDir } = options;
  const embedded = options.databaseUrl === undefined;
  claimFolder(host, stateDir, 0o700);
  await waitForPredecessor(host, options);
  const ports = await choosePorts(host, options, embedded);
  const cluster = embedded ? prepareCluster(host, { folder: options.databaseFolder, port: ports['postgres'] ?? 0 }) : undefined;
  if (cluster !== undefined) await clearStaleLock(host, cluster);
  const socketFolder = placeSockets(host, stateDir);
  claimFolder(host, socketFolder, 0o700);
  const plans = planProcesses(withoutDatabase(topology, embedded), ports, socketFolder, options.replicas);
  const instance = randomUUID();
  const secrets = keepSecrets(host, stateDir);
  const keys = { token: secrets.token, admin: secrets.admin, webhook: secrets.webhook };
  const startedAt = new Date(host.clock.nowMs()).toISOString();
  let databaseUrl = options.databaseUrl ?? cluster?.url(options.database) ?? '';
  let held = options.hold;
  let phase: StackState['phase'] = 'starting';
  let announced = false;
  let ended: (() => void) | undefined;

  const logDir = join(stateDir, 'logs');
  const envOf = (plan: ProcessPlan): Record<string, string> =>
    renderEnv(topology, plans, plan, ports, { instance, stateDir, logDir, databaseUrl, secrets: keys });
  const reaper = startReaper(host, instance);
  const supervision = supervise({
    host, root: options.root, logDir, cluster, reaper, plans, envOf,
    probe: (plan) => probe(plan, cluster, options.database),
    onChange(changed) {
      // Whoever hears of a change finds it in the file.
      save();
      for (const process of changed) emit(processEvent(process));
      announceDatabase();
      settlePhase();
    },
  });

  const state = (): StackState => describeStack(supervision.processes, {
    instance, supervisorPid: host.process.pid, startedAt, phase,
    database: databaseName(databaseUrl),
  });
  const save = (): void => writeStackState(host, stateDir, state());
  const announceDatabase = (): void => {
    if (announced || !supervision.processes.every(({ plan, record }) => plan.spec.kind !== 'database' || record.status === 'ready')) return;
    announced = true;
    const url = options.databaseUrl ?? cluster?.url(options.database) ?? '';
    const tcpUrl = options.databaseUrl ?? cluster?.tcpUrl(options.database) ?? '';
    writeSecrets(host, stateDir, { ...secrets, databaseUrl: url, databaseTcpUrl: tcpUrl });
    emit({ event: 'database', url, tcpUrl });
  };
  const settlePhase = (): void => {
    if (phase === 'holding') {
      if (!supervision.processes.every((process) => process.plan.spec.kind === 'database' || isGone(process))) return;
      phase = 'held';
      save();
      emit({ event: 'held' });
    } else if (phase === 'stopping') {
      if (supervision.processes.every(isGone)) ended?.();
    } else if (phase === 'starting') {
      const failed = supervision.processes.find(({ record }) => record.status === 'failed');
      if (failed !== undefined) {
        phase = 'failed';
        save();
        emit(failureEvent(failed, logDir));
      } else if (!held && supervision.processes.every(({ record }) => record.status === 'ready')) {
        phase = 'up';
        save();
        emit({ event: 'up' });
      }
    } else if (phase === 'up' && supervision.processes.some(({ record }) => record.status === 'failed')) {
      // The others go on, but it never comes back by itself: nobody should take this stack for a sound one.
      phase = 'failed';
      save();
    }
  };

  const wantAll = (): void => supervision.want(({ spec }) => !held || spec.kind === 'database');
  wantAll();
  save();
  announceDatabase();
  return {
    state,
    release(url) {
      databaseUrl = url;
      held = false;
      wantAll();
    },
    hold() {
      held = true;
      phase = 'holding';
      wantAll();
      settlePhase();
    },
    async stop() {
      phase = 'stopping';
      save();
      await new Promise<void>((resolve) => {
        ended = resolve;
        supervision.want(() => false);
        settlePhase();
      });
      supervision.close();
      reaper.close();
      phase = 'stopped';
      save();
      emit({ event: 'stopped' });
    },
  };
}

/** The reaper takes up to 10 s to end what a killed supervisor left; its ports are taken as long. */
const predecessorWithinMs = 12_000;

async function waitForPredecessor(host: Host, { stateDir, root }: StackOptions): Promise<void> {
  const pids = readStackState(host, stateDir)?.processes.flatMap(({ pid }) => pid ?? []) ?? [];
  const startMs = host.clock.monotonicMs();
  // A pid may belong to another program by now: only one that names this checkout or PostgreSQL counts.
  const remains = (): boolean => pids.some((pid) => isAlive(host, pid) && (isRunning(host, pid, root) || isRunning(host, pid, 'bin/postgres')));
  while (remains() && host.clock.monotonicMs() - startMs < predecessorWithinMs) await host.timers.sleep(100);
}

async function choosePorts(host: Host, options: StackOptions, embedded: boolean): Promise<Record<string, number>> {
  const { topology, replicas } = options;
  const names = listPortNames(topology, replicas);
  if (options.ports === 'free') {
    const free = await findFreePorts(names.length);
    return Object.fromEntries(names.map((name, index) => [name, free[index] ?? 0]));
  }
  const ports = fixedPorts(topology, replicas, options.portOverrides);
  for (const [name, port] of Object.entries(ports)) {
    if ((name === 'postgres' && !embedded) || (await isPortFree(port))) continue;
    throw invalidConfig(
      `port ${port} (${name}) on 127.0.0.1 is in use${describePortOwner(host, port)}`,
      `stop that program, or choose another port with --port ${name}=${port + 1000}`,
    );
  }
  return ports;
}

function withoutDatabase(topology: Topology, embedded: boolean): Topology {
  if (embedded) return topology;
  const kept = topology.processes.filter((spec) => spec.kind !== 'database');
  const names = new Set(kept.map((spec) => spec.name));
  return { ...topology, processes: kept.map((spec) => ({ ...spec, dependsOn: spec.dependsOn.filter((name) => names.has(name)) })) };
}

async function probe(plan: ProcessPlan, cluster: Cluster | undefined, database: string): Promise<ProbeResult> {
  const { readiness } = plan.spec;
  if (readiness.kind === 'postgres' && cluster !== undefined) return ensureDatabase(cluster.url('postgres'), database, probeTimeoutMs);
  if (readiness.kind === 'http' && plan.probePort !== undefined) return probeHttp(plan.probePort, readiness.path, probeTimeoutMs);
  return plan.port === undefined ? 'ok' : probeTcp(plan.port, probeTimeoutMs);
}

function isGone(process: Supervised): boolean {
  return process.running === undefined && process.exit === undefined;
}

function processEvent({ plan, record, running }: Supervised): StackEvent {
  return { event: 'process', name: plan.name, state: record.status, pid: running?.pid ?? null, restarts: record.restarts };
}

function failureEvent({ plan, record, lastWords }: Supervised, logDir: string): StackEvent {
  const times = record.crashesMs.length;
  const words = lastWords === '' ? '' : `; it said last: ${lastWords}`;
  const message = `${plan.name} did not start: it ended ${times} time${times === 1 ? '' : 's'}${words}`;
  return { event: 'failed', message, hint: `its output is in ${join(logDir, `${plan.name}.out`)}`, exitCode: 104 };
}

function describeStack(processes: readonly Supervised[], head: Omit<StackState, 'schema' | 'processes' | 'tasks' | 'urls'>): StackState {
  const described = processes.map((process): [Supervised, StackProcess] => [process, describeProcess(process)]);
  const urls: Record<string, string> = {};
  for (const [{ plan }, { url }] of described) if (url !== null) urls[plan.spec.name] ??= url;
  return {
    schema: 'sora.stack/v1',
    ...head,
    processes: described.filter(([process]) => !process.policy.task).map(([, row]) => row),
    tasks: described.filter(([process]) => process.policy.task).map(([, row]) => row),
    urls,
  };
}

function describeProcess({ plan, record, running }: Supervised): StackProcess {
  const isHttp = plan.port !== undefined && plan.spec.readiness.kind === 'http';
  return {
    name: plan.name,
    kind: plan.spec.kind,
    pid: running?.pid ?? null,
    port: plan.port ?? null,
    state: record.status,
    restarts: record.restarts,
    url: isHttp ? `http://127.0.0.1:${plan.port}` : null,
    startedAt: running === undefined ? null : new Date(running.startedAtMs).toISOString(),
  };
}

function databaseName(url: string): string {
  try {
    return decodeURIComponent(new URL(url).pathname.slice(1));
  } catch (error) {
    throw new SoraError('invalid_config', 'DATABASE_URL is not a URL', { exitCode: 104, hint: 'postgres://user:password@host:5432/database', cause: error });
  }
}
