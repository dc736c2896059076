/** What the control plane would refuse to start with, found before anything is started. */
import { SoraError } from '../core/error.ts';
import type { Context } from './command.ts';

/**
 * Reads the settings of alerting and the files of routing, receivers and on-call as the control plane and its watchdog will.
 * @returns whom alerts reach, as `describeReach` has it
 * @throws SoraError `invalid_config` with what is wrong, where, and the way to start all the same
 */
export async function checkAlerting({ host, root }: Context): Promise<string> {
  // Read on demand: other commands need none of it.
  const [{ readAlertSettings }, { loadRouting, routingFiles }, { chooseReceivers }, { describeReach }] = await Promise.all([
    import('../control/settings.ts'), import('../alerting/routing/load.ts'), import('../control/watchdog/receivers.ts'), import('./alert-reach.ts'),
  ]);
  try {
    const settings = await readAlertSettings(host, root);
    const loaded = loadRouting(host, routingFiles(root, settings));
    chooseReceivers({ host, root, settings, service: 'watchdog', rehearsal: '', writeLog: () => undefined });
    return describeReach(loaded);
  } catch (error) {
    if (!(error instanceof SoraError)) throw error;
    const without = 'or start without alerts: npx sora up --no-alerts';
    throw new SoraError(error.code, error.message, { hint: error.hint === undefined ? `mend it, ${without}` : `${error.hint}; ${without}`, exitCode: error.exitCode, cause: error });
  }
}
