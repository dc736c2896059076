/** Runs of launch-mix made by arithmetic, for the tests of comparisons: what its blocks have in common, and what not. */
import { normalQuantile } from '../../../ops/judge/normal.ts';
import { seededUniform } from '../../../ops/judge/random.ts';
import { launchJourneys } from '../../scenarios/launch-mix/journeys.ts';
import type { RunBlock, RunBlocks } from '../blocks.ts';
import type { ComparedRun } from './compare.ts';
import { sampleCompared } from './sample.ts';

export interface MixWanted {
  readonly seed: number;
  /** Blocks of 5 s. Default 12. */
  readonly blocks?: number;
  /** Operations a second. Default 1,000. */
  readonly ratePerS?: number;
  /** Factor on the response times, of all operations or of one. */
  readonly slower?: { readonly times: number; readonly op?: string };
  /**
   * Standard deviations of what all operations share: of the logarithm of times from block to block, which half outlasts
   * its block, and from run to run. Defaults 0.03 and 0.01.
   */
  readonly blockNoise?: number;
  readonly runNoise?: number;
}

/** Median response times, ms, about as launch-mix has them below its limit. */
const usualMs: Readonly<Record<string, number>> = { feed: 35, profile: 19, like: 35, chat: 32, ai: 103, payment: 62, login: 75, flood: 18 };
/** Of the logarithm of single response times: the p95 is 2.3 times the median. */
const requestNoise = 0.5;
/** Of what an operation has for itself: half of what it shares. */
const ownShare = 0.5;
/** Of a block's luck this much is that of the block before. */
const lasting = 0.5;

/** A run of launch-mix's eight operations with its rates, shares and failures; blocks are autocorrelated. */
export function sampleMix(wanted: MixWanted): ComparedRun {
  const { seed, blocks = 12, ratePerS = 1_000, slower, blockNoise = 0.03, runNoise = 0.01 } = wanted;
  const uniform = seededUniform(seed * 7_919 + 17);
  const normal = (): number => normalQuantile((uniform() * 99_999 + 0.5) / 100_000);
  const walk = (deviation: number): number[] => {
    let luck = normal() * deviation;
    return Array.from({ length: blocks }, () => (luck = lasting * luck + Math.sqrt(1 - lasting ** 2) * normal() * deviation));
  };
  const luckOfRun = normal() * runNoise;
  const shared = walk(blockNoise);
  const cells = launchJourneys.map(({ name, weight }) => {
    const own = walk(blockNoise * ownShare);
    const ownLuck = normal() * runNoise * ownShare;
    const times = slower === undefined || (slower.op !== undefined && slower.op !== name) ? 1 : slower.times;
    const perBlock = weight === 0 ? (name === 'login' ? 5 : 1) : (ratePerS * 5 * weight) / 100;
    return Array.from({ length: blocks }, (_, index): RunBlock => {
      const total = weight === 0 ? perBlock : Math.max(0, Math.round(perBlock + normal() * Math.sqrt(perBlock * (1 - weight / 100))));
      // Errors of sample quantiles: of the median 1.25 σ/√n, of the p95 2.1 σ/√n (a normal's density there).
      const error = (factor: number): number => (normal() * factor * requestNoise) / Math.sqrt(Math.max(1, total));
      const level = Math.log((usualMs[name] ?? 30) * times) + luckOfRun + ownLuck + (shared[index] ?? 0) + (own[index] ?? 0);
      const tail = requestNoise * (1 + 0.05 * normal());
      return {
        startS: index * 5, durationS: 5, total, failed: Array.from({ length: Math.round(total / 50) }).filter(() => uniform() < 0.01).length,
        p50Ms: Math.exp(level + error(1.25)), p95Ms: Math.exp(level + 1.645 * tail + error(2.1)), p99Ms: Math.exp(level + 2.33 * tail + error(3.7)),
      };
    });
  });
  const all = Array.from({ length: blocks }, (_, index) => joinCells(cells.flatMap((each) => each[index] ?? []), index));
  const { summary } = sampleCompared({ seed, blocks });
  const kept: RunBlocks = { schema: 'sora.blocks/v1', runId: summary.runId, blockS: 5, all, operations: Object.fromEntries(launchJourneys.map(({ name }, index) => [name, cells[index] ?? []])) };
  return { summary, blocks: kept };
}

/** All operations of a block: their means, by how many there were; near enough to what merged histograms say. */
function joinCells(cells: readonly RunBlock[], index: number): RunBlock {
  const total = cells.reduce((sum, cell) => sum + cell.total, 0);
  const mean = (pick: (cell: RunBlock) => number): number => cells.reduce((sum, cell) => sum + pick(cell) * cell.total, 0) / total;
  return { startS: index * 5, durationS: 5, total, failed: cells.reduce((sum, cell) => sum + cell.failed, 0), p50Ms: mean((cell) => cell.p50Ms), p95Ms: mean((cell) => cell.p95Ms), p99Ms: mean((cell) => cell.p99Ms) };
}
