import type { Host } from '../core/host.ts';

/**
 * A Ctrl-Z reaches this process alone, as the child leads a group of its own: stops the group with it, and lets both
 * go on together. A load would else go on behind a prompt that says it is stopped.
 * @param leader pid of the child; undefined where it did not start
 * @returns the function that ends this
 */
export function suspendTogether(host: Host, leader: number | undefined): () => void {
  if (leader === undefined) return () => undefined;
  const removers = [
    host.process.onSignal('SIGTSTP', () => {
      host.process.kill(-leader, 'SIGSTOP');
      host.process.kill(host.process.pid, 'SIGSTOP');
    }),
    host.process.onSignal('SIGCONT', () => void host.process.kill(-leader, 'SIGCONT')),
  ];
  return () => {
    for (const remove of removers) remove();
  };
}
