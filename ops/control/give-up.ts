import { messageOf } from '../core/error.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';

/** Runs the start of a process. When that fails, the reason is in its log before anybody ends it. @throws what `work` throws */
export async function orGiveUp<Result>({ log, shutdown }: Pick<Telemetry, 'log' | 'shutdown'>, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    log.fatal({ error: messageOf(error) }, 'could not start');
    await shutdown();
    throw error;
  }
}
