import type { Admission } from './admission.ts';
import type { Upstream } from './upstream.ts';

/** What the metrics read off the gateway when they are scraped. */
export interface MetricsSource {
  readonly admission: Admission;
  readonly upstreams: readonly Upstream[];
  readonly sessions: number;
  readonly retriesSpent: number;
}

/** 1.2 s is the limit of the alert on users' latency: a limit on a bound is met exactly. */
const boundsS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.2, 2.5, 5, 10];
/** The gateway's own failures, as it names them to clients; `other` are clients' faults answered 5xx. */
const failureCodes = ['overloaded', 'no_upstream', 'bad_upstream', 'upstream_timeout', 'reply_cut', 'reply_stalled', 'other'] as const;

/** Plain counters, written as Prometheus text by hand: a scrape costs little and a request next to nothing. */
export class GatewayMetrics {
  readonly #source: MetricsSource;
  readonly #replies = new Float64Array(6);
  readonly #buckets = new Float64Array(boundsS.length + 1);
  readonly #failures = new Map<string, number>(failureCodes.map((code) => [code, 0]));
  #latencySumS = 0;
  connections = 0;
  connectionsRefused = 0;

  constructor(source: MetricsSource) {
    this.#source = source;
  }

  countReply(status: number): void {
    this.#replies[Math.floor(status / 100)]!++;
  }

  countFailure(code: string): void {
    const known = this.#failures.has(code) ? code : 'other';
    this.#failures.set(known, (this.#failures.get(known) ?? 0) + 1);
  }

  observe(latencyMs: number): void {
    const latencyS = latencyMs / 1_000;
    let index = 0;
    while (index < boundsS.length && latencyS > (boundsS[index] as number)) index++;
    this.#buckets[index]!++;
    this.#latencySumS += latencyS;
  }

  /** The exposition in Prometheus' text format 0.0.4. */
  render(cpuUs: number, rssBytes: number): string {
    const { admission, upstreams, sessions, retriesSpent } = this.#source;
    const lines: string[] = [];
    const family = (name: string, type: string, help: string, samples: readonly (readonly [string, number])[]): void => {
      lines.push(`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`);
      for (const [labels, value] of samples) lines.push(`${name}${labels} ${value}`);
    };
    const one = (name: string, type: string, help: string, value: number): void => family(name, type, help, [['', value]]);
    const perUpstream = (read: (upstream: Upstream) => number): [string, number][] =>
      upstreams.map((upstream) => [`{upstream=${JSON.stringify(upstream.name)}}`, read(upstream)]);

    family('gateway_replies_total', 'counter', 'Replies by status class.', [1, 2, 3, 4, 5].map((c) => [`{class="${c}xx"}`, this.#replies[c] as number]));
    family('gateway_failures_total', 'counter', 'Requests that the gateway itself failed, by its reason.', [...this.#failures].map(([code, count]) => [`{code="${code}"}`, count]));
    one('gateway_retries_total', 'counter', 'Requests sent a second time.', retriesSpent);
    one('gateway_refused_total', 'counter', 'Requests refused by admission control.', admission.refused);
    one('gateway_in_flight', 'gauge', 'Requests at the upstreams.', admission.inFlight);
    one('gateway_concurrency_limit', 'gauge', 'Most requests allowed at the upstreams now.', admission.limiter.limit);
    one('gateway_queued', 'gauge', 'Requests waiting for a place.', admission.queued);
    one('gateway_queue_wait_seconds_sum', 'counter', 'Time waited for a place by those let in.', admission.waitedMsSum / 1_000);
    one('gateway_queue_wait_seconds_count', 'counter', 'Requests let in after waiting.', admission.waited);
    one('gateway_client_connections', 'gauge', 'Open client connections.', sessions);
    one('gateway_client_connections_total', 'counter', 'Client connections accepted.', this.connections);
    one('gateway_client_connections_refused_total', 'counter', 'Client connections closed at the limit or while stopping.', this.connectionsRefused);
    family('gateway_upstream_up', 'gauge', 'Whether the upstream takes requests.', perUpstream((upstream) => (upstream.isUp ? 1 : 0)));
    family('gateway_upstream_downs_total', 'counter', 'Times the upstream went down.', perUpstream((upstream) => upstream.downs));
    family('gateway_upstream_in_flight', 'gauge', 'Requests at this upstream.', perUpstream((upstream) => upstream.inFlight));
    family('gateway_upstream_idle_connections', 'gauge', 'Idle connections to this upstream.', perUpstream((upstream) => upstream.idleConnections));
    this.#renderLatency(lines);
    one('process_cpu_seconds_total', 'counter', 'CPU time used.', cpuUs / 1e6);
    one('process_resident_memory_bytes', 'gauge', 'Resident memory.', rssBytes);
    return `${lines.join('\n')}\n`;
  }

  #renderLatency(lines: string[]): void {
    const name = 'gateway_upstream_duration_seconds';
    lines.push(`# HELP ${name} From the place taken to the reply's last byte.`, `# TYPE ${name} histogram`);
    let seen = 0;
    boundsS.forEach((bound, index) => {
      seen += this.#buckets[index] as number;
      lines.push(`${name}_bucket{le="${bound}"} ${seen}`);
    });
    seen += this.#buckets[boundsS.length] as number;
    lines.push(`${name}_bucket{le="+Inf"} ${seen}`, `${name}_sum ${this.#latencySumS}`, `${name}_count ${seen}`);
  }
}
