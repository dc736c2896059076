import { exitCodes, messageOf, SoraError } from '../../ops/core/error.ts';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { touchNursery } from './nursery.ts';
import { Worker } from './worker.ts';
import type { FromWorker, ToWorker } from './worker-messages.ts';
import { connectToParent } from './worker-channel.ts';

/**
 * A generator stands for machines of its own. On one that it shares with the system it measures, a request that is
 * due must not wait behind that system's work, or the wait would count as the system's.
 */
const hurriedNiceness = -10;

/** Entry point of a worker process; its parent is the coordinator. */
const host = createNodeHost();
// One whose run was told to give way, as by `nice`, does so.
const inherited = host.process.niceness();
host.process.setNiceness(inherited > 0 ? inherited : hurriedNiceness);
const atStartBytes = host.process.rssBytes();
// A Ctrl-C reaches the whole group; the coordinator decides what becomes of us.
host.process.onSignal('SIGINT', () => undefined);

let worker: Worker | undefined;

const parent = connectToParent<ToWorker, FromWorker>({
  onMessage: (message) => {
    handle(message).catch((error: unknown) => {
      const known = error instanceof SoraError ? error : undefined;
      parent.send({
        kind: 'failed',
        code: known?.code ?? 'worker_failed',
        message: messageOf(error),
        exitCode: known?.exitCode ?? exitCodes.generic,
      });
    });
  },
  onGone: () => host.process.exit(exitCodes.generic),
});

async function handle(message: ToWorker): Promise<void> {
  switch (message.kind) {
    case 'prepare':
      worker = await Worker.prepare(
        host,
        message.job,
        (report) => parent.send(report, report.kind === 'done' ? () => host.process.exit(exitCodes.pass) : undefined),
        { atStartBytes, withJobBytes: host.process.rssBytes() },
      );
      if (message.job.link?.runtime !== 'bun') touchNursery(message.job.nurseryMb);
      parent.send({ kind: 'ready' });
      break;
    case 'start':
      worker?.start(message.startAtMs);
      break;
    case 'stop':
      worker?.stop(message.graceMs);
      break;
  }
}
