import type { Host, SignalName } from '../core/host.ts';

const signals: readonly SignalName[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];
/** One Ctrl-C can come twice at once: from the terminal and passed on by npm. */
const sameWithinMs = 150;

/**
 * Calls `run` with 1 at the first request to stop, 2 at the second and so on; returns the function
 * that ends listening.
 */
export function onInterrupt(host: Host, run: (count: number, signal: SignalName) => void): () => void {
  let count = 0;
  let lastMs = -Infinity;
  const removers = signals.map((name) =>
    host.process.onSignal(name, () => {
      const nowMs = host.clock.monotonicMs();
      if (nowMs - lastMs < sameWithinMs) return;
      lastMs = nowMs;
      count++;
      run(count, name);
    }),
  );
  return () => {
    for (const remove of removers) remove();
  };
}
