import type { StackProcess, StackState } from './stack-state.ts';
import type { Supervised } from './supervise.ts';

/** What a running stack tells of itself in its state file. */
export function describeStack(processes: readonly Supervised[], head: Omit<StackState, 'schema' | 'processes' | 'tasks' | 'urls'>): StackState {
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

function describeProcess({ plan, record, running, readyAtMs }: Supervised): StackProcess {
  const isHttp = plan.port !== undefined && plan.spec.readiness.kind === 'http';
  const { memoryLimitMb } = plan.spec;
  return {
    name: plan.name,
    service: plan.spec.name,
    kind: plan.spec.kind,
    pid: running?.pid ?? null,
    port: plan.port ?? null,
    state: record.status,
    restarts: record.restarts,
    url: isHttp ? `http://127.0.0.1:${plan.port}` : null,
    startedAt: running === undefined ? null : isoOf(running.startedAtMs),
    readyAt: running === undefined || readyAtMs === undefined ? null : isoOf(readyAtMs),
    crashes: record.crashesMs.length,
    metricsUrl: isHttp && plan.probePort !== undefined ? `http://127.0.0.1:${plan.probePort}/metrics` : null,
    memoryLimitBytes: memoryLimitMb === undefined ? null : memoryLimitMb * 1_048_576,
  };
}

function isoOf(atMs: number): string {
  return new Date(atMs).toISOString();
}
