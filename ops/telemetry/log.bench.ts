import type { Logger } from 'pino';
import { callRows, quickRounds, timeCalls } from '../core/bench-calls.ts';
import type { CallCost, CallRounds } from '../core/bench-calls.ts';
import { runBench } from '../core/bench-cli.ts';
import type { Host } from '../core/host.ts';
import { createNodeHost } from '../core/node-host.ts';
import { createLogger } from './telemetry.ts';
import { tracingOff } from './tracing.ts';

/** What a log call costs up to the write buffer, with and without redaction. */
export function benchLog(host: Host, rounds?: CallRounds): CallCost[] {
  // As the real buffer does, it looks at the whole line, which makes V8 join the pieces of the string.
  const sink = { write: (line: string) => void Buffer.byteLength(line), flushSoon: () => undefined, flushSync: () => undefined };
  const parts = { service: 'bench', level: 'info', tracer: tracingOff, destination: sink };
  const plain = createLogger(host, { ...parts, redact: (line) => line });
  const safe = createLogger(host, parts);
  const child = (log: Logger): Logger => log.child({ correlationId: '0198f9a2-7b41-7c3e-9d52-3f6a8c1e4b70' });
  const [plainChild, safeChild] = [child(plain), child(safe)];
  const request = (log: Logger) => (index: number): void =>
    log.info({ userHash: 'Zk3v9QxLm2aB', route: '/posts/{postId}', status: 200, durationMs: index / 8 }, 'request served');
  return timeCalls(host, {
    'log call, no redaction': request(plainChild),
    'log call, redaction, clean line': request(safeChild),
    'log call, redaction, e-mail and card in it': (index) =>
      safeChild.info({ status: index, user: { email: 'a@b.example' } }, 'paid with 4111 1111 1111 1111'),
  }, rounds);
}

if (import.meta.main) {
  await runBench(createNodeHost(), (host, { quick }) => callRows('log', benchLog(host, quick ? quickRounds : {})));
}
