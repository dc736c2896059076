import type { Logger } from 'pino';
import type { Host } from '../core/host.ts';
import { createLogger } from './telemetry.ts';
import { tracingOff } from './tracing.ts';

/** One row of the benchmark table: CPU time per call over the rounds, which neighbours on the machine disturb less than wall time. */
export interface BenchRow {
  readonly name: string;
  readonly medianNs: number;
  /** Highest minus lowest round. */
  readonly spreadNs: number;
}

const rounds = 7;
const callsPerRound = 100_000;

/** Times `call` in rounds after one round of warm-up. */
export function timeCalls(host: Host, name: string, call: (index: number) => void): BenchRow {
  const times = Array.from({ length: rounds + 1 }, () => {
    const startUs = host.process.cpuUs();
    for (let index = 0; index < callsPerRound; index++) call(index);
    return ((host.process.cpuUs() - startUs) * 1e3) / callsPerRound;
  })
    .slice(1)
    .toSorted((a, b) => a - b);
  return {
    name,
    medianNs: Math.round(times[Math.floor(rounds / 2)] ?? 0),
    spreadNs: Math.round((times.at(-1) ?? 0) - (times[0] ?? 0)),
  };
}

/** What a log call costs up to the write buffer, with and without redaction. */
export function benchLog(host: Host): BenchRow[] {
  // As the real buffer does, it looks at the whole line, which makes V8 join the pieces of the string.
  const sink = { write: (line: string) => void Buffer.byteLength(line), flushSoon: () => undefined, flushSync: () => undefined };
  const parts = { service: 'bench', level: 'info', tracer: tracingOff, destination: sink };
  const plain = createLogger(host, { ...parts, redact: (line) => line });
  const safe = createLogger(host, parts);
  const child = (log: Logger): Logger => log.child({ correlationId: '0198f9a2-7b41-7c3e-9d52-3f6a8c1e4b70' });
  const [plainChild, safeChild] = [child(plain), child(safe)];
  const request = (log: Logger) => (index: number): void =>
    log.info({ userHash: 'Zk3v9QxLm2aB', route: '/posts/{postId}', status: 200, durationMs: index / 8 }, 'request served');
  return [
    timeCalls(host, 'log call, no redaction', request(plainChild)),
    timeCalls(host, 'log call, clean line', request(safeChild)),
    timeCalls(host, 'log call, e-mail and card in it', (index) =>
      safeChild.info({ status: index, user: { email: 'a@b.example' } }, 'paid with 4111 1111 1111 1111')),
  ];
}
