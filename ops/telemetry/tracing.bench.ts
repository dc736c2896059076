import { callRows, timeCalls } from '../core/bench-calls.ts';
import type { CallCost, CallRounds } from '../core/bench-calls.ts';
import { runBench } from '../core/bench-cli.ts';
import type { Host } from '../core/host.ts';
import { createNodeHost } from '../core/node-host.ts';
import { tracingOff } from './tracing.ts';
import type { Tracing } from './tracing.ts';

/** What the hooks of one request cost while tracing is off: server span, call, statement, injection. */
export function benchTracing(host: Host, tracing: Tracing = tracingOff, rounds?: CallRounds): CallCost[] {
  const headers = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' };
  const answer = Promise.resolve(1);
  return timeCalls(host, {
    [`tracing ${tracing.enabled ? 'on' : 'off'}, hooks of one request`]: () => {
      const span = tracing.startServer('GET /posts/{postId}', headers);
      tracing.run(span, () => {
        const call = tracing.startClient('api');
        tracing.inject({}, call);
        void tracing.query('feed_home', () => answer);
        call.end();
      });
      span.setAttribute('http.response.status_code', 200);
      span.end();
    },
  }, rounds);
}

if (import.meta.main) {
  // Some 10 ns a call: fewer calls a round would measure the clock.
  await runBench(createNodeHost(), (host, { quick }) =>
    callRows('tracing', benchTracing(host, tracingOff, quick ? { rounds: 3, callsPerRound: 1_000_000 } : { callsPerRound: 10_000_000 })));
}
