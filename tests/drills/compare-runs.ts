import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { comparisonSchema } from '../../loadtests/report/compare/schema.ts';
import type { Comparison } from '../../loadtests/report/compare/schema.ts';
import { rowText } from '../../loadtests/report/compare/sentence.ts';
import { atLeast, atMost, equals, holds, note } from './check.ts';
import type { Check } from './check.ts';
import type { Drill, DrillContext } from './drill.ts';
import { requireSummary, startTargetRun } from './load-run.ts';

/** Long enough that what the machine and the generator add, a millisecond or some, is a small share of it. */
const delayMs = 50;
/** Times that a run is made again which says of itself that it measured the generator and not the server. */
const againMost = 2;
/** What is planted, and the shares of pairs in which it may be missed or seen where it is not. */
const planted = { slower: 1.1, foundLeast: 0.9, falseMost: 0.05 };

interface Pairs {
  /** Two runs against the same server. */
  readonly equal: Comparison[];
  /** One run against it, and one against a server that takes 10 % longer. */
  readonly slower: Comparison[];
}

/** Shows on real runs how often a comparison errs: what nobody checks, a gate will be blamed for. */
export const compareRuns: Drill = {
  name: 'compare',
  summary: 'pairs of runs against equal servers, and against one that takes 10 % longer: few false alarms, few misses',
  onlyNamed: true,
  async run(context) {
    const { pairs } = context.size;
    const [base, slow] = await Promise.all([startServer(context, delayMs), startServer(context, delayMs * planted.slower)]);
    const found: Pairs = { equal: [], slower: [] };
    for (let pair = 0; pair < pairs; pair++) {
      // In turns, so that what disturbs the machine for a while meets all alike.
      const first = await runOnce(context, base);
      found.equal.push(await compare(context, first, await runOnce(context, base)));
      found.slower.push(await compare(context, first, await runOnce(context, slow)));
      const last = (comparison: Comparison | undefined): string => `${comparison?.verdict}, ${comparison?.rows.filter(({ metric }) => metric === 'p50').map(rowText).join('')}`;
      context.say(`pair ${pair + 1} of ${pairs}: equal ${last(found.equal.at(-1))}; slower ${last(found.slower.at(-1))}`);
    }
    return checksOf(found);
  },
};

/** What must hold of the verdicts. */
export function checksOf({ equal, slower }: Pairs): Check[] {
  const worse = (all: readonly Comparison[]): number => all.filter(({ verdict }) => verdict === 'worse').length;
  const changes = slower.flatMap(({ rows }) => rows.filter(({ metric, change }) => metric === 'p50' && change !== null).map(({ change }) => Number(change)));
  return [
    atMost(`equal pairs called worse, of ${equal.length}`, worse(equal), Math.max(1, Math.floor(equal.length * planted.falseMost))),
    atLeast(`slower runs found, of ${slower.length}`, worse(slower), Math.ceil(slower.length * planted.foundLeast)),
    equals('equal pairs called the same on one baseline', equal.filter(({ verdict }) => verdict === 'same').length, 0),
    holds('every comparison had blocks', [...equal, ...slower].every(({ rows }) => rows.every(({ candidateBlocks }) => candidateBlocks >= 5)), `${slower[0]?.rows[0]?.candidateBlocks} a run`, '>= 5'),
    note('slower by p50, each pair', changes.map((change) => `${(change * 100).toFixed(1)} %`).join(', ')),
  ];
}

async function startServer(context: DrillContext, answerMs: number): Promise<string> {
  const { host, root, signal } = context;
  const server = spawn(host.process.execPath, [join(root, 'loadtests/bench/bare-server.ts'), String(answerMs)], { stdio: ['pipe', 'pipe', 'inherit'] });
  context.track(once(server, 'exit'));
  signal.addEventListener('abort', () => server.stdin.end(), { once: true });
  const [line] = (await once(server.stdout, 'data', { signal })) as [Buffer];
  return `http://127.0.0.1:${line.toString().trim()}`;
}

/** The name of a run that measured something valid; one that did not proves nothing of comparisons. */
async function runOnce(context: DrillContext, target: string, left = againMost): Promise<string> {
  const { runId, verdict, reasons } = requireSummary(await startTargetRun(context, target, { flags: ['--quiet'] }).ended);
  if (verdict !== 'insufficient') return runId;
  if (left === 0 || context.signal.aborted) throw new Error(`run ${runId} was INSUFFICIENT, ${againMost + 1} in a row: ${reasons.join('; ')}`);
  context.say(`again, since run ${runId} was INSUFFICIENT: ${reasons.join('; ')}`);
  return runOnce(context, target, left - 1);
}

/** `sora load compare A B -o json`, as a user would type it. */
async function compare(context: DrillContext, baseline: string, candidate: string): Promise<Comparison> {
  const { host, root, home } = context;
  const child = spawn(host.process.execPath, ['ops/cli/bootstrap.mjs', 'load', 'compare', baseline, candidate, '-o', 'json'], {
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
