import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Host } from './host.ts';
import { createTestHost } from './test-host.ts';
import { builtPath, findTool, readVersion, requireTool } from './tools.ts';
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

  it('passes over a program that fails', () => {
    putProgram('gauge', 'exit 3');
    expect(findTool(host, tool, places())).toBeUndefined();
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
