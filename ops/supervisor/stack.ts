import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { SoraError, invalidConfig } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { describeStack } from './describe-stack.ts';
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
import { keepSecrets, readSecrets, writeSecrets } from './secrets.ts';
import { keepWanted, prepareDatabases } from './stack-databases.ts';
import type { StackDatabases } from './stack-databases.ts';
import { readStackState, writeStackState } from './stack-state.ts';
import type { StackState } from './stack-state.ts';
import { supervise } from './supervise.ts';
import type { Supervised } from './supervise.ts';
import type { ProcessSpec, Topology } from './topology.ts';

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
  /** Whether the control plane is started too. */
  readonly control: boolean;
  /** An outside server for the control plane's state. */
  readonly controlDatabaseUrl: string | undefined;
  /** Folder of the control plane's embedded cluster; used only with `control`. */
  readonly controlDatabaseFolder: string;
  /** Id of the load run or drill this stack is made for: alerts carry it and reach no pager. Empty where it is not. */
  readonly rehearsal: string;
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
  /** Starts again what was given up after all was up once; otherwise does nothing. */
  retryFailed(): void;
  /** Stops all in reverse order; resolves when nothing runs. */
  stop(): Promise<void>;
}

const probeTimeoutMs = 2_000;
const controlDatabase = 'sora_control';

/** Starts the processes of a topology; `emit` hears what happens to them. */
export async function startStack(host: Host, options: StackOptions, emit: (event: StackEvent) => void): Promise<Stack> {
  const { stateDir } = options;
  const planes = {
    data: { url: options.databaseUrl, folder: options.databaseFolder, name: options.database },
    control: { url: options.controlDatabaseUrl, folder: options.controlDatabaseFolder, name: controlDatabase },
  };
  // Wrong words are told before anything is looked at or waited for.
  for (const { url } of Object.values(planes)) if (url !== undefined) databaseName(url);
  const topology = keepWanted(options.topology, planes, options.control);
  claimFolder(host, stateDir, 0o700);
  await waitForPredecessor(host, options);
  const ports = await choosePorts(host, options, topology);
  const databases = await prepareDatabases(host, topology, planes, ports);
  const socketFolder = placeSockets(host, stateDir);
  claimFolder(host, socketFolder, 0o700);
  const plans = planProcesses(topology, ports, socketFolder, options.replicas);
  const instance = randomUUID();
  const secrets = keepSecrets(host, stateDir);
  /** The token's key is read anew at each start of a process, so that it can be replaced while the stack runs. */
  const keysOf = (): Record<string, string> => {
    const now = readSecrets(host, stateDir) ?? secrets;
    return {
      token: now.token, 'token-expires-at': now.tokenExpiresAt ?? secrets.tokenExpiresAt, admin: secrets.admin, webhook: secrets.webhook,
      ...Object.fromEntries(Object.entries(secrets.control).map(([name, value]) => [`control-${name}`, value])),
    };
  };
  const startedAt = new Date(host.clock.nowMs()).toISOString();
  let databaseUrl = databases.urlOf('data');
  let held = options.hold;
  let phase: StackState['phase'] = 'starting';
  let announced = false;
  let wasUp = false;
  let ended: (() => void) | undefined;

  const logDir = join(stateDir, 'logs');
  const envOf = (plan: ProcessPlan): Record<string, string> => ({
    // Half of what the start of a control plane costs is compiling; Avalo is measured as it is.
    ...(plan.spec.plane === 'control' ? { NODE_COMPILE_CACHE: join(stateDir, 'compile-cache') } : {}),
    ...renderEnv(topology, plans, plan, ports, {
      instance, stateDir, logDir, databaseUrl, controlDatabaseUrl: databases.urlOf('control'), rehearsal: options.rehearsal, secrets: keysOf(),
    }),
  });
  const reaper = startReaper(host, instance);
  const supervision = supervise({
    host, root: options.root, logDir, reaper, plans, envOf,
    clusterOf: (plan) => databases.clusterOf(plan),
    probe: (plan) => probe(plan, databases),
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
    // Whoever waits for Avalo's database does not wait for that of the control plane.
    const isPending = ({ plan, record }: Supervised): boolean => plan.spec.kind === 'database' && plan.spec.plane === 'data' && record.status !== 'ready';
    if (announced || supervision.processes.some(isPending)) return;
    announced = true;
    const [url, tcpUrl] = [databases.urlOf('data'), databases.tcpUrlOf('data')];
    writeSecrets(host, stateDir, {
      ...secrets, databaseUrl: url, databaseTcpUrl: tcpUrl,
      ...(options.control ? { controlDatabaseUrl: databases.urlOf('control'), controlDatabaseTcpUrl: databases.tcpUrlOf('control') } : {}),
    });
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
        wasUp = true;
        save();
        emit({ event: 'up' });
      }
    } else if (phase === 'failed' && wasUp) {
      if (supervision.processes.some(({ record }) => record.status === 'failed')) return;
      // Whoever was given up was started again on request.
      phase = 'up';
      save();
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
      // Before the first signal: the control plane looks here whether its end was planned.
      save();
      wantAll();
      settlePhase();
    },
    retryFailed() {
      if (phase === 'failed' && wasUp) supervision.retryFailed();
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

/** @param topology of what is started; ports of what is left out may be in use */
async function choosePorts(host: Host, options: StackOptions, topology: Topology): Promise<Record<string, number>> {
  const { replicas } = options;
  const names = listPortNames(topology, replicas);
  if (options.ports === 'free') {
    const free = await findFreePorts(names.length);
    return Object.fromEntries(names.map((name, index) => [name, free[index] ?? 0]));
  }
  const ports = fixedPorts(topology, replicas, options.portOverrides);
  const unused = listUnusedPorts(options.topology, topology);
  for (const [name, port] of Object.entries(ports)) {
    if (unused.has(name) || (await isPortFree(port))) continue;
    throw invalidConfig(
      `port ${port} (${name}) on 127.0.0.1 is in use${describePortOwner(host, port)}`,
      `stop that program, or choose another port with --port ${name}=${port + 1000}`,
    );
  }
  return ports;
}

/** Names of the ports that only processes left out would listen on. */
function listUnusedPorts(whole: Topology, kept: Topology): ReadonlySet<string> {
  const used = new Set(kept.processes.flatMap(portNamesOf));
  return new Set(whole.processes.flatMap(portNamesOf).filter((name) => !used.has(name)));
}

function portNamesOf({ port, readiness }: ProcessSpec): string[] {
  return [port, readiness.kind === 'http' ? readiness.port : undefined].filter((name) => name !== undefined);
}

async function probe(plan: ProcessPlan, databases: StackDatabases): Promise<ProbeResult> {
  const { readiness } = plan.spec;
  const cluster = databases.clusterOf(plan);
  if (readiness.kind === 'postgres' && cluster !== undefined) return ensureDatabase(cluster.url('postgres'), databases.nameOf(plan), probeTimeoutMs);
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

function databaseName(url: string): string {
  try {
    return decodeURIComponent(new URL(url).pathname.slice(1));
  } catch (error) {
    throw new SoraError('invalid_config', 'DATABASE_URL is not a URL', { exitCode: 104, hint: 'postgres://user:password@host:5432/database', cause: error });
  }
}
