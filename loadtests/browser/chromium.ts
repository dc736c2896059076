import { spawnSync } from 'node:child_process';
import { isIPv6 } from 'node:net';
import { invalidConfig } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { findOnPath } from '../../ops/core/tools.ts';

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const placesElsewhere = ['/Applications/Google Chrome.app/Contents/MacOS/Google Chrome', '/Applications/Chromium.app/Contents/MacOS/Chromium'];
const installTimeoutMs = 900_000;

/**
 * Finds a Chromium: CHROMIUM_PATH, else by its usual names; undefined when there is none. Nothing is
 * ever downloaded.
 * @throws SoraError 104 when CHROMIUM_PATH names no file
 */
export function findChromium(host: Host): string | undefined {
  const named = host.process.env['CHROMIUM_PATH'];
  if (named !== undefined && named !== '') {
    if (host.files.exists(named)) return named;
    throw invalidConfig(`CHROMIUM_PATH names ${named}, and there is no such file`, 'correct it, or unset it to have the PATH searched');
  }
  for (const name of names) {
    const found = findOnPath(host, name);
    if (found !== undefined) return found;
  }
  return placesElsewhere.find((path) => host.files.exists(path));
}

/**
 * Finds a Chromium, or with leave installs the system's package of it.
 * @param mayInstall whether apt may be asked for it, which needs root
 * @throws SoraError 104 that says how to get it
 */
export function requireChromium(host: Host, mayInstall: boolean): string {
  const found = findChromium(host);
  if (found !== undefined) return found;
  const apt = findOnPath(host, 'apt-get');
  const canInstall = host.process.uid === 0 && apt !== undefined;
  if (!mayInstall || !canInstall) {
    const byUs = canInstall ? 'npx sora load browser --install-chromium installs the system’s package, or ' : '';
    throw invalidConfig(`no Chromium is here: none of ${names.join(', ')} is on the PATH`, `${byUs}install chromium or Google Chrome, or name its file in CHROMIUM_PATH`);
  }
  install(host, apt);
  const installed = findChromium(host);
  if (installed === undefined) throw invalidConfig('the package chromium was installed and put no chromium on the PATH', 'name its file in CHROMIUM_PATH');
  return installed;
}

/** Flags that a Chromium needs to start here. */
export function chromiumFlags(host: Host): string[] {
  // As root its sandbox refuses to work; the pages are ours, and the fence keeps it from others.
  // Containers give shared memory too small for a page.
  return [...(host.process.uid === 0 ? ['no-sandbox'] : []), 'disable-dev-shm-usage'];
}

/**
 * The flag that keeps a Chromium at one address: whatever name or address a page asks for, WebSockets included, means
 * this one. One rule, since K6_BROWSER_ARGS is a list with commas, and a rule that excludes needs one.
 * @param address of IPv4 or IPv6, without brackets; Chromium drops a rule whose IPv6 has none
 */
export function fenceFlag(address: string): string {
  return `host-resolver-rules=MAP * ${isIPv6(address) ? `[${address}]` : address}`;
}

function install(host: Host, apt: string): void {
  host.stderr.write('installing the system’s package chromium\n');
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', 'chromium']]) {
    const { status } = spawnSync(apt, args, { stdio: ['ignore', 2, 2], timeout: installTimeoutMs, env: { ...host.process.env, DEBIAN_FRONTEND: 'noninteractive' } });
    if (status !== 0) throw invalidConfig(`apt-get ${args.join(' ')} failed; its words are above`, 'install chromium by hand, or name its file in CHROMIUM_PATH');
  }
}
