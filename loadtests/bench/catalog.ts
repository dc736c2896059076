/** One set of bench files that a command measures: each runs as a process of its own, one after the other, in this order. */
export interface BenchCatalog {
  /** The npm script. */
  readonly command: string;
  readonly files: Readonly<Record<string, string>>;
  /** What it measures, and on what terms. */
  readonly about: string;
  readonly notes: string;
  /** Longer than any of its files takes. */
  readonly timeoutMs: number;
}

export const parts: BenchCatalog = {
  command: 'bench',
  about: 'Measures the hot parts and prints one table: median, lowest and highest of several rounds.',
  files: {
    transport: 'loadtests/bench/transport.bench.ts',
    gateway: 'services/gateway/gateway.bench.ts',
    ledger: 'services/wallet/ledger.bench.ts',
    promql: 'ops/metricstore/promql/query.bench.ts',
    'metric-memory': 'ops/metricstore/raw-store/memory.bench.ts',
    'metric-scrape': 'ops/metricstore/scrape/scrape.bench.ts',
    'control-plane': 'ops/control/control.bench.ts',
    log: 'ops/telemetry/log.bench.ts',
    metrics: 'ops/telemetry/metrics.bench.ts',
    tracing: 'ops/telemetry/tracing.bench.ts',
  },
  notes: `It takes under twelve minutes. Figures count on an idle machine only. The ledger is measured on a PostgreSQL of its own,
durable, on the checkout's disk; DATABASE_URL names another server, on which it makes and drops a database.`,
  timeoutMs: 360_000,
};

export const harness: BenchCatalog = {
  command: 'bench:harness',
  about: 'Measures the harness beside other generators of load, as whole processes with their start-up.',
  files: {
    cost: 'loadtests/bench/harness/cost.bench.ts',
    users: 'loadtests/bench/harness/users.bench.ts',
    memory: 'loadtests/bench/harness/memory.bench.ts',
    lateness: 'loadtests/bench/harness/lateness.bench.ts',
    backend: 'loadtests/bench/harness/backend.bench.ts',
    million: 'loadtests/bench/harness/million.bench.ts',
  },
  notes: `It takes under 25 minutes on two cores. Figures count on an idle machine only, and the command ends with 99 when one misses
its limit; --quick shows the limits and does not judge. No request of any generator may fail.
wrk, oha, autocannon, k6 and Locust are measured where they are installed; to install them where this machine can:
  bash loadtests/bench/harness/install-peers.sh
backend measures against the whole stack, started for it on a database of its own. million reads the newest run of 1,000,000
users over 10 minutes that is kept: npm run loadtest -- --users 1000000 --duration 600s`,
  timeoutMs: 3_600_000,
};
