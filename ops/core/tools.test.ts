import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Host } from './host.ts';
import { createTestHost } from './test-host.ts';
import { builtPath, findTool, goTools, readVersion, requireTool } from './tools.ts';
import type { GoTool } from './tools.ts';

const tool: GoTool = { name: 'gauge', version: 'v2.2.0', package: 'example.test/gauge/v2', moduleFolder: 'pinned', versionArgs: ['version'], home: 'https://example.test/gauge' };
let folder = '';
let host: Host;
let said: string[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sora-tools-'));
  for (const name of ['bin', 'pinned', 'home']) mkdirSync(join(folder, name));
  const real = createTestHost();
  // Programs of this machine must not be found.
  host = { ...real, process: { ...real.process, env: { PATH: join(folder, 'bin') } } };
  said = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const places = (): { root: string; home: string } => ({ root: folder, home: join(folder, 'home') });
const require = () => requireTool(host, tool, places(), (message) => said.push(message));

/** A program on the PATH that does what a shell script says. */
function putProgram(name: string, script: string): string {
  const path = join(folder, 'bin', name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`);
  chmodSync(path, 0o755);
  return path;
}

/** A go whose `build … -o FILE …` makes a program that tells a version. */
const goThatBuilds = (version: string): string =>
  putProgram('go', `while [ "$1" != "-o" ]; do shift; done\nprintf '#!/bin/sh\\necho gauge ${version}\\n' > "$2"\n/bin/chmod 755 "$2"`);

describe('requireTool', () => {
  it('takes the program on the PATH when its major version is right', async () => {
    const path = putProgram('gauge', 'echo "gauge v2.7.1 (go1.26, linux/amd64)"');
    expect(await require()).toEqual({ path, version: 'v2.7.1' });
    expect(said).toEqual([]);
  });

  it('builds the pinned version where the PATH has another, once', async () => {
    putProgram('gauge', 'echo gauge v1.9.0');
    goThatBuilds('v2.2.0');
    expect(await require()).toEqual({ path: builtPath(tool, places()), version: 'v2.2.0' });
    expect(said).toHaveLength(1);
    rmSync(join(folder, 'bin', 'go'));
    expect(await require()).toMatchObject({ version: 'v2.2.0' });
    expect(readdirSync(join(folder, 'home/tools'))).toEqual(['gauge-v2.2.0']);
  });

  it('says in one message how to get it, without it and without Go', async () => {
    await expect(require()).rejects.toMatchObject({
      exitCode: 104, message: 'gauge v2 is not on the PATH, and there is no Go to build it with', hint: expect.stringContaining('https://example.test/gauge') as string,
    });
  });

  it('tells what a failed build said, and leaves nothing behind', async () => {
    putProgram('go', 'echo "dial tcp: no such host" >&2; exit 1');
    await expect(require()).rejects.toMatchObject({ exitCode: 104, message: 'gauge v2.2.0 could not be built: dial tcp: no such host' });
    expect(readdirSync(join(folder, 'home/tools'))).toEqual([]);
  });

  it('refuses what it built when that does not tell the version', async () => {
    goThatBuilds('v3.0.0');
    await expect(require()).rejects.toMatchObject({ code: 'tool_unusable' });
  });

  it('takes below v1 no older minor version, and tells the linker the version where the source does not hold it', async () => {
    const young: GoTool = { ...tool, version: 'v0.30.0', versionVariable: 'example.test/gauge/version.Version' };
    putProgram('gauge', 'echo gauge 0.29.7');
    expect(findTool(host, young, places())).toBeUndefined();
    const go = putProgram('go', `echo "$@" > ${join(folder, 'args')}\nwhile [ "$1" != "-o" ]; do shift; done\nprintf '#!/bin/sh\\necho gauge 0.30.0\\n' > "$2"\n/bin/chmod 755 "$2"`);
    expect(await requireTool(host, young, places(), () => {})).toMatchObject({ version: 'v0.30.0' });
    expect(readFileSync(join(folder, 'args'), 'utf8')).toContain('-X example.test/gauge/version.Version=0.30.0');
    rmSync(go);
    putProgram('gauge', 'echo gauge 0.31.2');
    expect(findTool(host, young, places())).toMatchObject({ version: 'v0.31.2' });
  });

  it('waits for the build of another process, and passes over the lock of one that is gone', async () => {
    const lock = join(folder, 'home/tools/build.lock');
    mkdirSync(join(folder, 'home/tools'));
    // Of all pids the largest is the least likely to be in use.
    writeFileSync(lock, '4194303');
    goThatBuilds('v2.2.0');
    expect(await require()).toMatchObject({ version: 'v2.2.0' });
    rmSync(builtPath(tool, places()));
    let held = true;
    writeFileSync(lock, String(host.process.pid));
    const release = (): Promise<void> => {
      held = false;
      rmSync(lock);
      return Promise.resolve();
    };
    host = { ...host, timers: { ...host.timers, sleep: release } };
    expect(await require()).toMatchObject({ version: 'v2.2.0' });
    expect(held).toBe(false);
  });

  it('passes over a program that fails', () => {
    putProgram('gauge', 'exit 3');
    expect(findTool(host, tool, places())).toBeUndefined();
  });
});

describe('goTools', () => {
  it.each(Object.values(goTools))('pins $name in a module of ours', ({ package: path, moduleFolder, version }) => {
    const module = readFileSync(join(import.meta.dirname, '../..', moduleFolder, 'go.mod'), 'utf8');
    expect(module).toMatch(new RegExp(`^(?:tool|\\t)\\s*${path}$`, 'm'));
    // Prometheus counts its modules apart: 3.8.0 is v0.308.0.
    const [major = '', minor = '', patch = ''] = version.slice(1).split('.');
    const pinned = path.startsWith('github.com/prometheus/prometheus/') ? `v0.${major}${minor.padStart(2, '0')}.${patch}` : version;
    expect(module).toContain(`${path.replace(/\/cmd\/.*$/, '')} ${pinned}`);
  });
});

describe('readVersion', () => {
  it.each([
    ['k6 v2.2.0 (go1.26.8, linux/amd64)', 'v2.2.0'],
    ['k6-v2.2.0 v2.2.0 (go1.26.8, linux/amd64)', 'v2.2.0'],
    ['promtool, version 3.6.0 (branch: HEAD)', 'v3.6.0'],
    ['gauge 1.0.0-rc.1, built today', 'v1.0.0-rc.1'],
    ['no version at all', undefined],
  ])('reads %s', (text, version) => expect(readVersion(text)).toBe(version));
});
