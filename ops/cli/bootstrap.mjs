#!/usr/bin/env node
// The one file that runs on any Node from 20 on: it finds the Node 24 that came with `npm ci`, mends
// its installation where npm blocked the install script, and runs the `sora` command, or with
// `--exec FILE …` any other entry, under it.
// There is no Host to take here: host.ts is TypeScript, which Node 20 cannot run.
/* oxlint-disable no-restricted-globals */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const invalidConfig = 104;
const neededMajor = 24;
const here = dirname(fileURLToPath(import.meta.url));
const root = resolve(here, '../..');
const modules = join(root, 'node_modules');
const [first, ...rest] = process.argv.slice(2);
const isExec = first === '--exec';
const entry = isExec ? resolve(root, rest[0] ?? '') : join(here, 'main.ts');
const args = isExec ? rest.slice(1) : process.argv.slice(2);

if (!existsSync(modules)) end('the dependencies are not installed', `run npm ci in ${root}`);
if (isExec && (rest[0] === undefined || !existsSync(entry))) end(`--exec found no file ${rest[0] ?? ''}`, 'name an entry such as tests/run.ts');

// Half of what a short command costs is compiling: 0.69 s of CPU without a cache, 0.33 s with one. Processes below us take it from the environment.
process.env.NODE_COMPILE_CACHE ??= join(root, '.sora/compile-cache');

if (Number(process.versions.node.split('.')[0]) >= neededMajor) {
  module.enableCompileCache(process.env.NODE_COMPILE_CACHE);
  process.argv = [process.execPath, entry, ...args];
  await import(pathToFileURL(entry).href);
} else {
  runUnder(findNode());
}

/** Runs the entry in a child that has our streams, passes signals on, and ends as it ends. */
function runUnder(node) {
  const child = spawn(node, [entry, ...args], { stdio: 'inherit' });
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(name, () => child.kill(name));
  child.on('error', (error) => end(`${node} does not start: ${error.message}`, 'run npm ci again'));
  child.on('exit', (code, signal) => process.exit(signal === null ? code : 128 + constants.signals[signal]));
}

function findNode() {
  const node = join(modules, 'node/bin/node');
  if (runs(node)) return node;
  const nested = ['node', 'node-bin'].flatMap((prefix) =>
    [join(modules, 'node/node_modules'), modules].map((folder) => join(folder, `${prefix}-${process.platform}-${process.arch}/bin/node`)),
  );
  const found = nested.find(runs);
  if (found !== undefined) return found;
  process.stderr.write('Node 24 is not in place, as npm did not run its install script; putting it there\n');
  const folder = join(modules, 'node');
  if (existsSync(folder)) {
    spawnSync(process.execPath, [join(folder, 'installArchSpecificPackage.js')], { cwd: folder, stdio: ['ignore', 2, 2], env: { ...process.env, npm_config_ignore_scripts: 'true' } });
  }
  const mended = [node, ...nested].find(runs);
  if (mended === undefined) end(`Node ${neededMajor} is needed, this is ${process.version}`, 'run npm ci again, or put Node 24 on the PATH');
  return mended;
}

function runs(node) {
  return existsSync(node) && spawnSync(node, ['--version'], { stdio: 'ignore' }).status === 0;
}

function end(message, hint) {
  process.stderr.write(`error: ${message}\n  ${hint}\n`);
  process.exit(invalidConfig);
}
