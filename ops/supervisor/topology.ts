import { z } from 'zod';
import { invalidConfig, messageOf } from '../core/error.ts';
import type { Host } from '../core/host.ts';

const name = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/);
const durationMs = z.int().min(100).max(900_000);

const readiness = z.discriminatedUnion('kind', [
  /** Ready while `path` answers 200. */
  z.strictObject({ kind: z.literal('http'), path: z.string().startsWith('/'), port: name.optional(), timeoutMs: durationMs }),
  /** Ready while the port accepts connections. */
  z.strictObject({ kind: z.literal('tcp'), timeoutMs: durationMs }),
  /** Ready while the server answers a query. */
  z.strictObject({ kind: z.literal('postgres'), timeoutMs: durationMs }),
  /** A task: done once it has ended with exit code 0. */
  z.strictObject({ kind: z.literal('exit'), timeoutMs: durationMs }),
]);

const processSchema = z.strictObject({
  name,
  kind: z.enum(['database', 'task', 'mock', 'api', 'workers', 'gateway', 'control', 'watchdog']),
  /** `control` for what watches the rest; a stack can be started without that. */
  plane: z.enum(['data', 'control']).default('data'),
  /** `bun` falls back to `node` where Bun does not run. */
  runtime: z.enum(['node', 'bun', 'postgres']),
  entry: z.string().optional(),
  args: z.array(z.string()).default([]),
  /** Flags of Node, before the entry; left out where another runtime runs it. */
  nodeArgs: z.array(z.string()).default([]),
  env: z.record(z.string(), z.string()).default({}),
  /** A name of `ports`. Replica i listens on that port plus i. */
  port: name.optional(),
  /** Whether it also listens on a Unix socket of its own. */
  socket: z.boolean().default(false),
  readiness,
  dependsOn: z.array(name).default([]),
  replicas: z.int().min(1).max(64).default(1),
  restart: z.enum(['always', 'never']).default('always'),
  /** From the polite signal to the next one. */
  stopGraceMs: durationMs.default(10_000),
  /** Resident memory it is meant to stay below; measured and alerted on, not enforced. Default: that of the machine. */
  memoryLimitMb: z.int().min(16).max(1_048_576).optional(),
});

const topologySchema = z.strictObject({
  version: z.literal(1),
  /** The ports of `sora up`; load runs take free ones. */
  ports: z.record(name, z.int().min(1).max(65_535)),
  /** Environment of every process; a process's own wins. */
  env: z.record(z.string(), z.string()).default({}),
  processes: z.array(processSchema).min(1).max(64),
});

export type Topology = z.infer<typeof topologySchema>;
export type ProcessSpec = z.infer<typeof processSchema>;

/** @throws SoraError `invalid_config` with every problem of the file at once */
export function readTopology(host: Host, path: string): Topology {
  let value: unknown;
  try {
    value = JSON.parse(host.files.readText(path));
  } catch (error) {
    throw invalidConfig(`${path} cannot be read: ${messageOf(error)}`, 'it must be a JSON file', error);
  }
  return parseTopology(value, path);
}

export function parseTopology(value: unknown, path = 'topology'): Topology {
  const parsed = topologySchema.safeParse(value);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
    throw invalidConfig(`${path} is not a topology: ${issues.join('; ')}`, 'ops/supervisor/topology.ts has the schema');
  }
  const problems = findProblems(parsed.data);
  if (problems.length > 0) throw invalidConfig(`${path} is not a topology: ${problems.join('; ')}`);
  return parsed.data;
}

/** What the schema cannot say: names are unique, refer to something, and point backwards only. */
function findProblems(topology: Topology): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const spec of topology.processes) {
    if (seen.has(spec.name)) problems.push(`process ${spec.name} is there twice`);
    for (const needed of spec.dependsOn) {
      // Order in the file is the order of starting, so a cycle cannot be written.
      if (!seen.has(needed)) problems.push(`${spec.name} depends on ${needed}, which does not come before it`);
      const other = topology.processes.find(({ name }) => name === needed);
      if (other !== undefined && other.plane !== spec.plane) problems.push(`${spec.name} depends on ${needed}, which is of the other plane and may be missing`);
    }
    const probed = spec.readiness.kind === 'http' ? spec.readiness.port : undefined;
    for (const port of [spec.port, probed]) {
      if (port !== undefined && topology.ports[port] === undefined) problems.push(`${spec.name} uses port ${port}, which ports lacks`);
    }
    if (spec.runtime !== 'postgres' && spec.entry === undefined) problems.push(`${spec.name} has no entry`);
    if ((spec.kind === 'database') !== (spec.runtime === 'postgres')) problems.push(`${spec.name}: databases, and only databases, have runtime postgres`);
    if (spec.kind === 'database' && topology.processes.some((other) => other !== spec && other.kind === 'database' && other.plane === spec.plane)) problems.push(`${spec.name}: a plane has one database`);
    if ((spec.kind === 'task') !== (spec.readiness.kind === 'exit')) problems.push(`${spec.name}: tasks, and only tasks, have readiness exit`);
    seen.add(spec.name);
  }
  return problems;
}
