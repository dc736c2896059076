import { join } from 'node:path';
import type { Files } from '../../core/host.ts';
import { requireRules } from '../rules/load-rules.ts';
import { catalogue } from './catalogue.ts';
import { readDrills } from './drills.ts';
import { renderReadme } from './readme.ts';

/** From the checkout's folder. */
export const alertsReadme = 'alerts/README.md';

/**
 * What alerts/README.md must hold.
 * @param root folder of the checkout
 * @throws SoraError 104 where rules, pending ones too, have problems
 */
export function alertsReadmeText(files: Files, root: string): string {
  const entriesOf = (folder: string): ReturnType<typeof catalogue> => {
    const pattern = join(root, 'alerts', folder, '*.yaml');
    return catalogue(requireRules(files, [pattern], { names: root }).groups);
  };
  return renderReadme(entriesOf('rules'), entriesOf('pending'), readDrills(files, root));
}
