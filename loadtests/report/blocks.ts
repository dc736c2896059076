import { z } from 'zod';
import { Histogram } from '../swarm/histogram.ts';
import { blockMs } from '../swarm/blocks.ts';
import type { OperationBlock } from '../swarm/measurement.ts';

const block = z.object({
  startS: z.number().min(0).describe('Since the hold began.'),
  durationS: z.number().min(0),
  total: z.int().min(0),
  failed: z.int().min(0),
  p50Ms: z.number().min(0).describe('Median of the response time.'),
  p95Ms: z.number().min(0),
  p99Ms: z.number().min(0),
});

/** The shape of `blocks.json`, beside a run's summary.json: what runs are compared by. Names stay; new ones may be added. */
export const runBlocksSchema = z.object({
  schema: z.literal('sora.blocks/v1'),
  runId: z.string(),
  blockS: z.number().gt(0).describe('Length of a whole block: 5 s up to a hold of 20 min, doubled as often as needed beyond.'),
  all: z.array(block).describe('All operations together.'),
  operations: z.record(z.string(), z.array(block)).describe('By operation, in order of time; a block that saw none of it has no entry.'),
});

export type RunBlocks = z.infer<typeof runBlocksSchema>;
export type RunBlock = z.infer<typeof block>;

/** Writes down the blocks of a run; percentiles of all operations come from merged histograms. */
export function describeBlocks(runId: string, blocks: readonly OperationBlock[]): RunBlocks {
  const byOperation = Map.groupBy(blocks, ({ op }) => op);
  const byStart = [...Map.groupBy(blocks, ({ startMs }) => startMs).values()];
  return {
    schema: 'sora.blocks/v1',
    runId,
    blockS: Math.max(blockMs, ...blocks.map(({ durationMs }) => durationMs)) / 1_000,
    all: byStart.map(describe),
    operations: Object.fromEntries([...byOperation].map(([op, parts]) => [op, parts.map((part) => describe([part]))])),
  };
}

function describe(parts: readonly OperationBlock[]): RunBlock {
  const response = Histogram.fromSparse(...parts.map((part) => part.response));
  const sum = (pick: (part: OperationBlock) => number): number => parts.reduce((total, part) => total + pick(part), 0);
  const atMs = (ratio: number): number => response.quantile(ratio) / 1_000;
  return {
    startS: (parts[0]?.startMs ?? 0) / 1_000,
    durationS: (parts[0]?.durationMs ?? 0) / 1_000,
    total: sum((part) => part.total),
    failed: sum((part) => part.failed),
    p50Ms: atMs(0.5), p95Ms: atMs(0.95), p99Ms: atMs(0.99),
  };
}
