import { invalidConfig } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import type { RunStore } from '../runs/store.ts';
import { shareName } from '../shares/flags.ts';
import type { ShareOptions } from '../shares/flags.ts';

/**
 * A run that names itself must not take the place of one that is kept. Names that are made up, such as those of a
 * suite's runs, are not asked about: what made them knows what it has.
 * @throws SoraError `invalid_config` when there is a run, or the same share of one, of the name that --run-id gives
 */
export function requireNewRun(host: Host, store: RunStore, { runId, partition }: ShareOptions): void {
  if (runId === undefined) return;
  const name = partition === undefined ? runId : shareName(runId, partition);
  if (!host.files.exists(store.folderOf(name))) return;
  throw invalidConfig(`--run-id ${runId}: there is a run ${name} already`, `give another name, or remove that run first: npx sora load rm ${name}`);
}
