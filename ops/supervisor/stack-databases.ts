import type { Host } from '../core/host.ts';
import { prepareCluster } from './embedded-postgres.ts';
import type { Cluster } from './embedded-postgres.ts';
import { clearStaleLock } from './embedded-postgres-lock.ts';
import type { ProcessSpec, Topology } from './topology.ts';

type Plane = ProcessSpec['plane'];

/** Where the database of a plane is. */
export interface DatabaseOptions {
  /** An outside server; its database is used as it is and no PostgreSQL is started. */
  readonly url: string | undefined;
  /** Folder of the embedded cluster. */
  readonly folder: string;
  /** Database of the embedded cluster, made when missing. */
  readonly name: string;
}

/** The databases of a stack: one of what is watched, one of what watches. */
export interface StackDatabases {
  /** The cluster behind a process; undefined where the process is no database of ours. */
  clusterOf(process: { readonly spec: ProcessSpec }): Cluster | undefined;
  nameOf(process: { readonly spec: ProcessSpec }): string;
  /** Empty where the stack has none. */
  urlOf(plane: Plane): string;
  tcpUrlOf(plane: Plane): string;
}

/** The topology without the databases that outside servers stand in for, and without the control plane unless wanted. */
export function keepWanted(topology: Topology, databases: Readonly<Record<Plane, DatabaseOptions>>, withControl: boolean): Topology {
  const kept = topology.processes.filter(({ plane, kind }) => (withControl || plane !== 'control') && (kind !== 'database' || databases[plane].url === undefined));
  const names = new Set(kept.map((spec) => spec.name));
  return { ...topology, processes: kept.map((spec) => ({ ...spec, dependsOn: spec.dependsOn.filter((name) => names.has(name)) })) };
}

/** Prepares the clusters of a topology's databases. @throws SoraError when a live server holds one of their folders */
export async function prepareDatabases(
  host: Host, topology: Topology, databases: Readonly<Record<Plane, DatabaseOptions>>, ports: Readonly<Record<string, number>>,
): Promise<StackDatabases> {
  const clusters = new Map<Plane, Cluster>();
  for (const { kind, plane, port } of topology.processes) {
    if (kind !== 'database') continue;
    const cluster = prepareCluster(host, { folder: databases[plane].folder, port: ports[port ?? ''] ?? 0, size: plane === 'control' ? 'small' : 'whole' });
    clusters.set(plane, cluster);
    await clearStaleLock(host, cluster);
  }
  return {
    clusterOf: ({ spec }) => (spec.kind === 'database' ? clusters.get(spec.plane) : undefined),
    nameOf: ({ spec }) => databases[spec.plane].name,
    urlOf: (plane) => databases[plane].url ?? clusters.get(plane)?.url(databases[plane].name) ?? '',
    tcpUrlOf: (plane) => databases[plane].url ?? clusters.get(plane)?.tcpUrl(databases[plane].name) ?? '',
  };
}
