import { invalidConfig } from '../core/error.ts';
import type { ProcessSpec, Topology } from './topology.ts';

/** One process of a running stack: a spec and its replica number, with what was allotted to it. */
export interface ProcessPlan {
  /** `api`, or `api-2` where there are several. */
  readonly name: string;
  readonly spec: ProcessSpec;
  readonly port: number | undefined;
  readonly socket: string | undefined;
  /** Where readiness is asked for; its own port unless the spec names another. */
  readonly probePort: number | undefined;
}

export interface StackValues {
  readonly instance: string;
  readonly stateDir: string;
  readonly logDir: string;
  readonly databaseUrl: string;
  /** Of the control plane's own database. */
  readonly controlDatabaseUrl: string;
  /** Id of the load run or drill the stack was made for; empty where it was not. */
  readonly rehearsal: string;
  readonly secrets: Readonly<Record<string, string>>;
}

/** Every port a stack needs, by name; replicas after the first are `name#1`, `name#2`. */
export function listPortNames(topology: Topology, replicas: Readonly<Record<string, number>>): string[] {
  const names = Object.keys(topology.ports);
  for (const spec of topology.processes) {
    const count = replicasOf(spec, replicas);
    for (let replica = 1; replica < count; replica++) if (spec.port !== undefined) names.push(`${spec.port}#${replica}`);
  }
  return names;
}

/** The ports as the topology numbers them, replicas counting up from their base. */
export function fixedPorts(
  topology: Topology,
  replicas: Readonly<Record<string, number>>,
  overrides: Readonly<Record<string, number>> = {},
): Record<string, number> {
  const base = { ...topology.ports, ...overrides };
  const ports: Record<string, number> = {};
  for (const key of listPortNames(topology, replicas)) {
    const [name = '', replica = '0'] = key.split('#');
    const port = (base[name] ?? 0) + Number(replica);
    const other = Object.keys(ports).find((known) => ports[known] === port);
    if (other !== undefined) {
      throw invalidConfig(`port ${port} would be used by ${other} and by ${key}`, `give one of them another port, for example --port ${name}=${port + 100}`);
    }
    ports[key] = port;
  }
  return ports;
}

/** Gives each process its name, ports and socket, in order of starting. */
export function planProcesses(
  topology: Topology,
  ports: Readonly<Record<string, number>>,
  socketFolder: string,
  replicas: Readonly<Record<string, number>> = {},
): ProcessPlan[] {
  const unknown = Object.keys(replicas).find((name) => topology.processes.every((spec) => spec.name !== name));
  if (unknown !== undefined) {
    throw invalidConfig(`there is no process ${unknown} to replicate`, `processes: ${topology.processes.map((spec) => spec.name).join(', ')}`);
  }
  return topology.processes.flatMap((spec) => {
    const count = replicasOf(spec, replicas);
    return Array.from({ length: count }, (_, replica): ProcessPlan => {
      const name = count === 1 ? spec.name : `${spec.name}-${replica + 1}`;
      const port = spec.port === undefined ? undefined : ports[replica === 0 ? spec.port : `${spec.port}#${replica}`];
      const probeName = spec.readiness.kind === 'http' ? spec.readiness.port : undefined;
      return {
        name,
        spec,
        port,
        socket: spec.socket ? `${socketFolder}/${name}.sock` : undefined,
        probePort: probeName === undefined ? port : ports[probeName],
      };
    });
  });
}

function replicasOf(spec: ProcessSpec, replicas: Readonly<Record<string, number>>): number {
  return replicas[spec.name] ?? spec.replicas;
}

/**
 * Fills the placeholders of a process's environment: `${port}`, `${port:NAME}`, `${socket}`,
 * `${url:PROCESS}`, `${upstreams:PROCESS}`, `${secret:NAME}`, `${databaseUrl}`, `${controlDatabaseUrl}`, `${service}`,
 * `${instance}`, `${stateDir}`, `${logDir}`, `${rehearsal}`.
 */
export function renderEnv(
  topology: Topology,
  plans: readonly ProcessPlan[],
  plan: ProcessPlan,
  ports: Readonly<Record<string, number>>,
  values: StackValues,
): Record<string, string> {
  const resolve = (placeholder: string): string | undefined => {
    const [kind = '', argument = ''] = placeholder.split(':', 2);
    const named = plans.filter((other) => other.spec.name === argument);
    switch (kind) {
      case 'port':
        return String(argument === '' ? plan.port : ports[argument]);
      case 'url':
        return named[0]?.port === undefined ? undefined : `http://127.0.0.1:${named[0].port}`;
      case 'upstreams':
        return named.map((other) => `unix:${other.socket}`).join(',');
      case 'secret':
        return values.secrets[argument];
      case 'socket':
        return plan.socket;
      case 'service':
        return plan.name;
      case 'databaseUrl':
      case 'controlDatabaseUrl':
      case 'rehearsal':
      case 'instance':
      case 'stateDir':
      case 'logDir':
        return values[kind];
      default:
        return undefined;
    }
  };
  const fill = (text: string): string =>
    text.replaceAll(/\$\{([^}]*)\}/g, (whole, placeholder: string) => {
      const value = resolve(placeholder);
      if (value === undefined || value === 'undefined') throw invalidConfig(`${plan.name}: nothing is known of ${whole}`, 'check topology.json');
      return value;
    });
  const entries = Object.entries({ ...topology.env, ...plan.spec.env });
  return Object.fromEntries(entries.map(([key, text]) => [key, fill(text)]));
}
