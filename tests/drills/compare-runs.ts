import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { comparisonSchema } from '../../loadtests/report/compare/schema.ts';
import type { Comparison } from '../../loadtests/report/compare/schema.ts';
import { atLeast, atMost, equals, holds, note } from './check.ts';
import type { Check } from './check.ts';
import type { Drill, DrillContext } from './drill.ts';
import { requireSummary, startTargetRun } from './load-run.ts';

/** Times that a run is made again which says of itself that it measured the generator and not the server. */
const againMost = 2;
/** What is planted, and the shares of comparisons in which it may be missed or seen where it is not. */
const planted = { slower: 1.1, foundLeast: 0.9, falseMost: 0.05 };
/** From so many baselines on, the runs themselves tell what is noise. */
const baselines = 5;
const scenarioPath = 'tests/drills/fixtures/paced-mix.ts';

export interface Comparisons {
  /** Two runs against the same server. */
  readonly equal: readonly Comparison[];
  /** One run against it, and one against a server that takes 10 % longer. */
  readonly slower: readonly Comparison[];
  /** The same with five baselines. */
  readonly equalOfFive: readonly Comparison[];
  readonly slowerOfFive: readonly Comparison[];
}

/** Shows on real runs how often a comparison errs: what nobody checks, a gate will be blamed for. */
export const compareRuns: Drill = {
  name: 'compare',
  summary: 'runs in turns against answers of known length, and 10 % longer in every operation or in one: few false alarms, few misses',
  onlyNamed: true,
  async run(context) {
    const { pairs } = context.size;
    const [usual = '', slower = '', slowerInOne = ''] = await startServer(context, ['1', String(planted.slower), `${planted.slower}:like`]);
    const plain: string[] = [];
    const slow: string[] = [];
    for (let pair = 0; pair < pairs; pair++) {
      const runs = [async () => plain.push(await runOnce(context, usual)), async () => slow.push(await runOnce(context, pair % 2 === 0 ? slower : slowerInOne))];
      // In turns, and each first as often, so that what disturbs the machine or drifts meets both alike.
      for (const run of pair % 2 === 0 ? runs : runs.toReversed()) await run();
      context.say(`pair ${pair + 1} of ${pairs} has run`);
    }
    const found = await compareAll(context, plain, slow);
    for (const [kind, all] of Object.entries(found) as [string, readonly Comparison[]][]) for (const { verdict, sentence } of all) context.say(`${kind}: ${verdict}; ${sentence}`);
    return checksOf(found);
  },
};

/** Every comparison that the runs allow; those on one baseline share no run, so each errs for itself. */
async function compareAll(context: DrillContext, plain: readonly string[], slow: readonly string[]): Promise<Comparisons> {
  const judge = async (pairs: readonly (readonly [baselines: readonly string[], candidate: string])[]): Promise<Comparison[]> => {
    const found: Comparison[] = [];
    for (const [names, candidate] of pairs) found.push(await compare(context, names, candidate));
    return found;
  };
  const before = (index: number): readonly string[] => plain.slice(index - baselines, index);
  const late = plain.map((_, index) => index).slice(baselines);
  return {
    equal: await judge([...twosOf(plain), ...twosOf(slow.filter((_, index) => index % 2 === 0)), ...twosOf(slow.filter((_, index) => index % 2 === 1))].map(([a, b]) => [[a], b] as const)),
    slower: await judge(plain.flatMap((name, index) => (slow[index] === undefined ? [] : [[[name], slow[index]] as const]))),
    equalOfFive: await judge(late.flatMap((index) => (plain[index] === undefined ? [] : [[before(index), plain[index]] as const]))),
    slowerOfFive: await judge(late.flatMap((index) => (slow[index] === undefined ? [] : [[before(index), slow[index]] as const]))),
  };
}

/** Neighbours in twos, each once: of `[a, b, c]` a and b. */
export function twosOf<Item>(items: readonly Item[]): [Item, Item][] {
  return items.flatMap((item, index) => {
    const next = items[index + 1];
    return index % 2 === 0 && next !== undefined ? [[item, next] satisfies [Item, Item]] : [];
  });
}

/** What must hold of the verdicts. */
export function checksOf({ equal, slower, equalOfFive, slowerOfFive }: Comparisons): Check[] {
  const worse = (all: readonly Comparison[]): number => all.filter(({ verdict }) => verdict === 'worse').length;
  const few = (name: string, all: readonly Comparison[]): Check => atMost(`${name} called worse, of ${all.length}`, worse(all), Math.max(1, Math.floor(all.length * planted.falseMost)));
  const most = (name: string, all: readonly Comparison[]): Check => atLeast(`${name} found, of ${all.length}`, worse(all), Math.ceil(all.length * planted.foundLeast));
  const all = [...equal, ...slower, ...equalOfFive, ...slowerOfFive];
  const changes = slower.flatMap(({ rows }) => rows.filter(({ op, metric, change }) => op === 'like' && metric === 'p50' && change !== null).map(({ change }) => Number(change)));
  return [
    few('equal pairs', equal), most('slower runs', slower),
    ...(equalOfFive.length === 0 ? [] : [few(`equal runs on ${baselines} baselines`, equalOfFive), most(`slower runs on ${baselines} baselines`, slowerOfFive)]),
    equals('equal pairs called the same on one baseline', equal.filter(({ verdict }) => verdict === 'same').length, 0),
    holds('every comparison had blocks', all.every(({ rows }) => rows.every(({ candidateBlocks }) => candidateBlocks >= 5)), `${slower[0]?.rows[0]?.candidateBlocks} a run`, '>= 5'),
    note('slower in like by p50, each pair', changes.map((change) => `${(change * 100).toFixed(1)} %`).join(', ')),
  ];
}

/** One server for all runs: what sets two processes apart, such as where their memory came to lie, would be taken for a change. */
async function startServer(context: DrillContext, paces: readonly string[]): Promise<string[]> {
  const { host, root, signal } = context;
  const server = spawn(host.process.execPath, [join(root, 'tests/drills/fixtures/paced-server.ts'), ...paces], { stdio: ['pipe', 'pipe', 'inherit'] });
  context.track(once(server, 'exit'));
  signal.addEventListener('abort', () => server.stdin.end(), { once: true });
  const [line] = (await once(server.stdout, 'data', { signal })) as [Buffer];
  return line.toString().trim().split(' ').map((port) => `http://127.0.0.1:${port}`);
}

/** The name of a run that measured something valid; one that did not proves nothing of comparisons. */
async function runOnce(context: DrillContext, target: string, left = againMost): Promise<string> {
  const { runId, verdict, reasons } = requireSummary(await startTargetRun(context, scenarioPath, target, { flags: ['--quiet'] }).ended);
  if (verdict !== 'insufficient') return runId;
  if (left === 0 || context.signal.aborted) throw new Error(`run ${runId} was INSUFFICIENT, ${againMost + 1} in a row: ${reasons.join('; ')}`);
  context.say(`again, since run ${runId} was INSUFFICIENT: ${reasons.join('; ')}`);
  return runOnce(context, target, left - 1);
}

/** `sora load compare RUN --baseline A -o json`, as a user would type it. */
async function compare(context: DrillContext, names: readonly string[], candidate: string): Promise<Comparison> {
  const { host, root, home } = context;
  const child = spawn(host.process.execPath, ['ops/cli/bootstrap.mjs', 'load', 'compare', candidate, ...names.flatMap((name) => ['--baseline', name]), '-o', 'json'], {
    cwd: root, stdio: ['ignore', 'pipe', 'pipe'], env: { ...host.process.env, SORA_HOME: home, NO_COLOR: '1' },
  });
  const ended = once(child, 'close');
  context.track(ended);
  const [stdout, stderr] = await Promise.all([child.stdout.toArray(), child.stderr.toArray()]);
  const [code] = (await ended) as [number | null];
  const comparison = stdout.length === 0 ? undefined : comparisonSchema.parse(JSON.parse(Buffer.concat(stdout as Buffer[]).toString()));
  const wanted = { worse: 99, insufficient: 98, same: 0, better: 0 };
  if (comparison === undefined || code !== wanted[comparison.verdict]) throw new Error(`compare ended with ${code}: ${Buffer.concat(stderr as Buffer[]).toString()}`);
  return comparison;
}
