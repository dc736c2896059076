import { spawn, spawnSync } from 'node:child_process';
import { renameSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { invalidConfig, messageOf, SoraError } from './error.ts';
import type { Host } from './host.ts';
import { withLockFile } from './tool-lock.ts';

/** A program in Go that we use but do not own, pinned by a Go module of ours. */
export interface GoTool {
  readonly name: string;
  /** The version that is built; any of the same major is taken from the PATH, below v1 any of the same minor or above. */
  readonly version: string;
  /** The package to build, which the module lists as a tool. */
  readonly package: string;
  /** Folder of our `go.mod` and `go.sum`, below the checkout. */
  readonly moduleFolder: string;
  /** Arguments with which it tells its version. */
  readonly versionArgs: readonly string[];
  /** The variable of its source that holds its version, where only a release's build sets it. */
  readonly versionVariable?: string;
  /** Where people get it. */
  readonly home: string;
}

/** What Prometheus' own programs have in common; as Go modules, version 3.8.0 is called v0.308.0. */
const prometheusFamily = {
  versionArgs: ['--version'], versionVariable: 'github.com/prometheus/common/version.Version', home: 'https://prometheus.io/download/',
} as const;

/** Every such tool. */
export const goTools = {
  k6: {
    name: 'k6', version: 'v2.2.0', package: 'go.k6.io/k6/v2', moduleFolder: 'loadtests/k6', versionArgs: ['version'],
    home: 'https://grafana.com/docs/k6/latest/set-up/install-k6/',
  },
  prometheus: {
    name: 'prometheus', version: 'v3.8.0', package: 'github.com/prometheus/prometheus/cmd/prometheus', ...prometheusFamily,
    moduleFolder: 'ops/metricstore/reference',
  },
  promtool: {
    name: 'promtool', version: 'v3.8.0', package: 'github.com/prometheus/prometheus/cmd/promtool', ...prometheusFamily,
    moduleFolder: 'ops/metricstore/reference',
  },
  alertmanager: {
    name: 'alertmanager', version: 'v0.30.0', package: 'github.com/prometheus/alertmanager/cmd/alertmanager', ...prometheusFamily,
    moduleFolder: 'ops/alerting/reference',
  },
  amtool: {
    name: 'amtool', version: 'v0.30.0', package: 'github.com/prometheus/alertmanager/cmd/amtool', ...prometheusFamily,
    moduleFolder: 'ops/alerting/reference',
  },
} as const satisfies Readonly<Record<string, GoTool>>;

/** Where tools are looked for and kept. */
export interface ToolPlaces {
  /** Folder of the checkout. */
  readonly root: string;
  /** Folder of all state; tools are built into its `tools`. */
  readonly home: string;
}

/** A tool that runs. */
export interface FoundTool {
  readonly path: string;
  /** As it tells it, such as `v2.2.0`. */
  readonly version: string;
}

const askTimeoutMs = 10_000;
const buildTimeoutMs = 900_000;
/** What is kept of a failed build's words: the end, where the reason is. */
const buildLogMax = 2_000;

/** The path of a program on the PATH; undefined when it is not there. */
export function findOnPath(host: Host, name: string): string | undefined {
  const folders = (host.process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, name)).find((path) => host.files.exists(path));
}

/** Finds a tool on the PATH, or as it was built before; undefined when it is neither. Starts nothing but the tool itself. */
export function findTool(host: Host, tool: GoTool, places: ToolPlaces): FoundTool | undefined {
  const candidates = [findOnPath(host, tool.name), builtPath(tool, places)];
  for (const path of candidates) {
    const version = path === undefined || !host.files.exists(path) ? undefined : askVersion(tool, path);
    if (path !== undefined && version !== undefined && isWanted(version, tool)) return { path, version };
  }
  return undefined;
}

/**
 * Finds a tool, or builds it with Go into `.sora/tools`, which takes some minutes once.
 * @param say hears of the build
 * @throws SoraError 104 that says how to get the tool, when there is neither it nor Go or the build fails
 */
export async function requireTool(host: Host, tool: GoTool, places: ToolPlaces, say: (message: string) => void): Promise<FoundTool> {
  const found = findTool(host, tool, places);
  if (found !== undefined) return found;
  const go = findOnPath(host, 'go');
  if (go === undefined) {
    throw invalidConfig(
      `${tool.name} ${seriesOf(tool)} is not on the PATH, and there is no Go to build it with`,
      `install ${tool.name} (${tool.home}), or put go on the PATH and ${tool.version} is built into ${join(places.home, 'tools')}`,
    );
  }
  const folder = join(places.home, 'tools');
  host.files.makeFolder(folder);
  // One build at a time: two would each compile what they share.
  const built = await withLockFile(host, join(folder, 'build.lock'), buildTimeoutMs, async () => {
    if (!host.files.exists(builtPath(tool, places))) {
      say(`building ${tool.name} ${tool.version} into ${folder}; this takes some minutes, once`);
      await build(host, go, tool, places);
    }
    return findTool(host, tool, places);
  });
  if (built === undefined) throw new SoraError('tool_unusable', `${builtPath(tool, places)} was built and does not tell a version of ${seriesOf(tool)}`);
  return built;
}

/** Where a tool's pinned version is kept once built. */
export function builtPath(tool: GoTool, { home }: ToolPlaces): string {
  return join(home, 'tools', `${tool.name}-${tool.version}`);
}

/** Built beside and renamed, so that two builds at once do no harm and a broken one leaves nothing. */
async function build(host: Host, go: string, tool: GoTool, places: ToolPlaces): Promise<void> {
  const path = builtPath(tool, places);
  const beside = `${path}.${host.process.pid}`;
  try {
    // The linker leaves out what only a debugger needs; modules may not change what go.sum pins.
    const version = tool.versionVariable === undefined ? '' : ` -X ${tool.versionVariable}=${tool.version.slice(1)}`;
    const args = ['build', '-mod=readonly', '-trimpath', `-ldflags=-s -w${version}`, '-o', beside, tool.package];
    const { code, log } = await runQuietly(host, go, args, join(places.root, tool.moduleFolder));
    if (code !== 0) throw invalidConfig(`${tool.name} ${tool.version} could not be built: ${log}`, `see that go reaches its modules, or install ${tool.name} (${tool.home})`);
    renameSync(beside, path);
  } finally {
    host.files.remove(beside);
  }
}

function runQuietly(host: Host, command: string, args: readonly string[], cwd: string): Promise<{ code: number | null; log: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['ignore', 'ignore', 'pipe'], timeout: buildTimeoutMs, env: { ...host.process.env } });
    let log = '';
    child.stderr.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString('utf8')).slice(-buildLogMax);
    });
    child.once('error', (error) => reject(invalidConfig(`${command} cannot be started: ${messageOf(error)}`, 'see that it is an executable file', error)));
    child.once('close', (code) => resolve({ code, log: log.trim() }));
  });
}

function askVersion(tool: GoTool, path: string): string | undefined {
  const { status, stdout } = spawnSync(path, tool.versionArgs, { encoding: 'utf8', timeout: askTimeoutMs });
  return status === 0 ? readVersion(stdout) : undefined;
}

/** The first version in what a program says of itself: `k6 v2.2.0 (go1.26.8, linux/amd64)`. */
export function readVersion(text: string): string | undefined {
  const found = /(?:^|\s)v?(\d+\.\d+\.\d+\S*)/.exec(text)?.[1];
  return found === undefined ? undefined : `v${found.replace(/[,;)]+$/, '')}`;
}

/** Whether a version serves for the pinned one: below v1 each minor may change what it likes. */
function isWanted(version: string, tool: GoTool): boolean {
  const [major, minor = 0] = numbersOf(version);
  const [wantedMajor, wantedMinor = 0] = numbersOf(tool.version);
  return major === wantedMajor && (major !== 0 || minor >= wantedMinor);
}

/** How the versions that serve are called: `v2`, or `v0.30`. */
function seriesOf({ version }: GoTool): string {
  return version.split('.').slice(0, version.startsWith('v0.') ? 2 : 1).join('.');
}

const numbersOf = (version: string): number[] => version.replace(/^v/, '').split('.').map(Number);
