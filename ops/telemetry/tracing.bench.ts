import { callRows, timeCalls } from '../core/bench-calls.ts';
import type { CallCost, CallRounds } from '../core/bench-calls.ts';
import { runBench } from '../core/bench-cli.ts';
import type { Host } from '../core/host.ts';
import { createNodeHost } from '../core/node-host.ts';
import { tracingOff } from './tracing.ts';
import type { Tracing } from './tracing.ts';

/** What a request leaves behind; kept, or the compiler would find that hooks which do nothing need no loop either. */
interface Kept {
  readonly outgoing: Readonly<Record<string, string>>;
  readonly answer: Promise<number>;
}

const keptMax = 1_024;
const withoutHooks = 'the same request without hooks';

/** What the hooks of one request cost while tracing is off: server span, call, statement, injection; then the loop alone. */
export function benchTracing(host: Host, tracing: Tracing = tracingOff, rounds?: CallRounds): CallCost[] {
  const headers = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
  const answer = Promise.resolve(1);
  const kept: Kept[] = Array.from({ length: keptMax }, () => ({ outgoing: {}, answer }));
  return timeCalls(host, {
    [`tracing ${tracing.enabled ? 'on' : 'off'}, hooks of one request`]: (index) => {
      const span = tracing.startServer('GET /posts/{postId}', headers);
      kept[index % keptMax] = tracing.run(span, () => {
        const call = tracing.startClient('api');
        const outgoing = {};
        tracing.inject(outgoing, call);
        const answered = tracing.query('feed_home', () => answer);
        call.end();
        return { outgoing, answer: answered };
      });
      span.setAttribute('http.response.status_code', 200);
      span.end();
    },
    [withoutHooks]: (index) => {
      kept[index % keptMax] = { outgoing: {}, answer };
    },
  }, rounds);
}

if (import.meta.main) {
  // Some 10 ns a call: fewer calls a round would measure the clock.
  await runBench(createNodeHost(), (host, { quick }) =>
    callRows('tracing', benchTracing(host, tracingOff, quick ? { rounds: 3, callsPerRound: 1_000_000 } : { callsPerRound: 5_000_000 }), { [withoutHooks]: 'baseline' }));
}
