/** Runs made by arithmetic, for the tests of comparisons: a hold of whole blocks with noise of a known size. */
import { normalQuantile } from '../../../ops/judge/normal.ts';
import { seededUniform } from '../../../ops/judge/random.ts';
import type { RunBlock, RunBlocks } from '../blocks.ts';
import { sampleFacts, sampleRun } from '../sample.ts';
import { buildSummary } from '../summary.ts';
import type { Summary } from '../summary-schema.ts';
import type { ComparedRun } from './compare.ts';

export interface RunWanted {
  readonly seed: number;
  /** Default 12. */
  readonly blocks?: number;
  /** Factor on the response times of `feed`. Default 1. */
  readonly slower?: number;
  /** Factor on the rate of `feed`. Default 1. */
  readonly rate?: number;
  /** Share of `feed` that fails. Default 0. */
  readonly failedRatio?: number;
  /** Standard deviation between blocks, and between runs. Default 0.02 and 0. */
  readonly blockNoise?: number;
  readonly runNoise?: number;
  readonly change?: Partial<Summary>;
}

const base = buildSummary(sampleRun({ history: [], slowest: [], series: [] }), sampleFacts());

/** A run of two operations, `feed` and `chat`, of which only `feed` is changed. */
export function sampleCompared(wanted: RunWanted): ComparedRun {
  const { seed, blocks = 12, blockNoise = 0.02, runNoise = 0, change = {} } = wanted;
  const uniform = seededUniform(seed * 7_919);
  const normal = (): number => normalQuantile((uniform() * 9_999 + 0.5) / 10_000);
  const luck = Math.exp(normal() * runNoise);
  const series = (p50Ms: number, slower: number, rate: number, failedRatio: number): RunBlock[] => Array.from({ length: blocks }, (_, index) => {
    const total = Math.round(500 * rate);
    const atMs = p50Ms * slower * luck * Math.exp(normal() * blockNoise);
    return { startS: index * 5, durationS: 5, total, failed: Math.round(total * failedRatio * (1 + 0.1 * normal())), p50Ms: atMs, p95Ms: atMs * 2.5 * Math.exp(normal() * blockNoise), p99Ms: atMs * 4 };
  });
  const operations = { feed: series(20, wanted.slower ?? 1, wanted.rate ?? 1, wanted.failedRatio ?? 0), chat: series(30, 1, 1, 0) };
  const runId = `run-${seed}`;
  const phases = [{ name: 'hold' as const, startS: 0, durationS: blocks * 5, plannedS: blocks * 5, total: 0, failed: 0, refused: 0 }];
  const startedAt = new Date(Date.UTC(2026, 0, 1, 0, seed)).toISOString();
  const kept: RunBlocks = { schema: 'sora.blocks/v1', runId, blockS: 5, all: operations.feed, operations };
  return { summary: { ...base, runId, startedAt, durationS: blocks * 5, phases, ...change }, blocks: kept };
}
