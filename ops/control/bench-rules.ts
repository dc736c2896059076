/** Rules as platforms have them, over the pages of `bench-page.ts`: burn rules of objectives, and others that each read one route or one part. */
import { stringify } from 'yaml';
import { burnRulesOf } from '../slo/burn-rules.ts';
import type { Slo } from '../slo/slo.ts';

const groupSize = 20;

interface BenchRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** Latency by histogram over all jobs, error shares of one job, levels, and what came to be in 10 min: half, a quarter, 15 % and a tenth. */
function ruleOf(index: number, jobs: readonly string[]): string {
  const job = jobs[index % jobs.length] ?? '';
  const route = `/part/${2 * index + 1}/{id}`;
  if (index % 2 === 0) return `histogram_quantile(0.95, sum by (le, job) (rate(http_server_request_duration_seconds_bucket{http_route="${route}"}[5m]))) > 1e6`;
  if (index % 4 === 1) return `sum by (job) (rate(http_server_request_duration_seconds_count{job="${job}", http_response_status_code="500"}[5m])) / sum by (job) (rate(http_server_request_duration_seconds_count{job="${job}"}[5m])) > 1`;
  if (index % 20 === 3 || index % 20 === 7) return `sum by (job) (increase(part_events_total{job="${job}", kind="1"}[10m])) > 1e12`;
  return `max by (part) (part_queue_depth{job="${job}", queue="1"}) > 1e9`;
}

/** Objectives like those that ship, one after the other of another job. */
export function benchSlos(count: number, jobs: readonly string[]): Slo[] {
  return Array.from({ length: count }, (_, index): Slo => {
    const requests = (more: string): string => `http_server_request_duration_seconds_count{job="${jobs[index % jobs.length] ?? ''}"${more}}`;
    return {
      name: `bench-${index}`, displayName: `Bench ${index}`, description: 'requests end without an error', service: 'bench', owner: 'bench', targetRatio: 0.99, periodMs: 14 * 86_400_000, badEventsMin: 10,
      indicator: { counted: 'bad', events: requests(', http_response_status_code="500"'), total: requests('') },
    };
  });
}

/** A rule file of so many rules, those of the objectives among them; but for these none of its alerts can fire. */
export function benchRules(count: number, jobs: readonly string[], slos: readonly Slo[]): string {
  const burning = slos.map((slo) => ({ name: `slo-${slo.name}`, rules: burnRulesOf(slo) }));
  const left = count - burning.reduce((sum, group) => sum + group.rules.length, 0);
  const rules = Array.from({ length: left }, (_, index): BenchRule => ({
    alert: `Bench${index}`, expr: ruleOf(index, jobs), for: '1m', labels: { severity: 'low', service: 'bench' }, annotations: { summary: '{{ $value }}', runbook: 'runbooks/bench.md' },
  }));
  const groups = Array.from({ length: Math.ceil(left / groupSize) }, (_, group) => ({ name: `bench-${group}`, rules: rules.slice(group * groupSize, (group + 1) * groupSize) }));
  return stringify({ groups: [...groups, ...burning] }, { aliasDuplicateObjects: false });
}
