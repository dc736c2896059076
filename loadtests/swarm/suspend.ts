import type { Host } from '../../ops/core/host.ts';

/**
 * A Ctrl-Z reaches this process alone, as workers lead sessions of their own: stops them with it, and lets all go on
 * together. Their load would else go on behind a prompt that says the run is stopped.
 * @returns the function that ends this
 */
export function suspendTogether(host: Host, pids: () => readonly number[]): () => void {
  const all = (signal: 'SIGSTOP' | 'SIGCONT'): void => {
    for (const pid of pids()) host.process.kill(pid, signal);
  };
  const removers = [
    host.process.onSignal('SIGTSTP', () => {
      all('SIGSTOP');
      host.process.kill(host.process.pid, 'SIGSTOP');
    }),
    host.process.onSignal('SIGCONT', () => all('SIGCONT')),
  ];
  return () => {
    for (const remove of removers) remove();
  };
}
