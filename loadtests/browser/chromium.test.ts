import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Host } from '../../ops/core/host.ts';
import { createTestHost } from '../../ops/core/test-host.ts';
import { chromiumFlags, fenceFlag, findChromium, requireChromium } from './chromium.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sora-chromium-'));
  mkdirSync(join(folder, 'bin'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A machine with nothing but the programs of the folder. */
function machine(uid = 1_000, env: Record<string, string> = {}): Host {
  const real = createTestHost();
  const files = { ...real.files, exists: (path: string) => path.startsWith(folder) && real.files.exists(path) };
  return { ...real, files, process: { ...real.process, uid, env: { PATH: join(folder, 'bin'), ...env } } };
}

function put(name: string, script = ''): string {
  const path = join(folder, 'bin', name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('requireChromium', () => {
  it('takes CHROMIUM_PATH before what is on the PATH', () => {
    const chromium = put('chromium');
    const mine = put('mine');
    expect(findChromium(machine())).toBe(chromium);
    expect(findChromium(machine(0, { CHROMIUM_PATH: mine }))).toBe(mine);
    expect(() => findChromium(machine(0, { CHROMIUM_PATH: '/nowhere' }))).toThrow('CHROMIUM_PATH names /nowhere');
  });

  it('says in one message how to get it', () => {
    expect(() => requireChromium(machine(), true)).toThrow('no Chromium is here');
    put('apt-get', 'exit 1');
    const refusal = (host: Host): unknown => {
      try {
        return requireChromium(host, false);
      } catch (error) {
        return error;
      }
    };
    expect(refusal(machine())).toMatchObject({ exitCode: 104, hint: expect.not.stringContaining('--install-chromium') as string });
    expect(refusal(machine(0))).toMatchObject({ exitCode: 104, hint: expect.stringContaining('--install-chromium') as string });
  });

  it('installs the system’s package with leave, as root', () => {
    const log = join(folder, 'log');
    put('apt-get', `echo "$@" >> ${log}\n[ "$1" = install ] && echo '#!/bin/sh' > ${join(folder, 'bin/chromium')}; exit 0`);
    expect(requireChromium(machine(0), true)).toBe(join(folder, 'bin/chromium'));
    expect(readFileSync(log, 'utf8')).toBe('update\ninstall -y --no-install-recommends chromium\n');
  });

  it('tells when the package manager fails', () => {
    put('apt-get', 'exit 100');
    expect(() => requireChromium(machine(0), true)).toThrow('apt-get update failed');
  });

  it('fences by one rule without a comma, with brackets around IPv6', () => {
    expect(fenceFlag('127.0.0.1')).toBe('host-resolver-rules=MAP * 127.0.0.1');
    expect(fenceFlag('::1')).toBe('host-resolver-rules=MAP * [::1]');
  });

  it('gives up the sandbox only where it cannot work', () => {
    expect(chromiumFlags(machine(0))).toContain('no-sandbox');
    expect(chromiumFlags(machine())).not.toContain('no-sandbox');
  });
});
