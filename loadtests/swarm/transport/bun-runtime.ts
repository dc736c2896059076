import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { invalidConfig } from '../../../ops/core/error.ts';
import type { Host } from '../../../ops/core/host.ts';

/** The executable of the npm package, under the name it has on every system. */
const bunFile = fileURLToPath(new URL('../../../node_modules/bun/bin/bun.exe', import.meta.url));
let bunRuns: boolean | undefined;

/** The path of Bun; undefined where the package's executable does not run. */
export function findBun(host: Host): string | undefined {
  bunRuns ??= host.files.exists(bunFile) && spawnSync(bunFile, ['--version'], { stdio: 'ignore', timeout: 10_000 }).status === 0;
  return bunRuns ? bunFile : undefined;
}

/** @throws SoraError `invalid_config` where Bun does not run */
export function requireBun(host: Host): string {
  const path = findBun(host);
  if (path !== undefined) return path;
  throw invalidConfig('workers are to run under Bun, whose executable is not in place', 'run npm rebuild bun, or start the stack once: it puts it there');
}
