import { z } from 'zod';

const measure = z.number().nullable();

export const comparedMetrics = ['p50', 'p95', 'failed', 'rate'] as const;
export type ComparedMetric = (typeof comparedMetrics)[number];

const verdict = z.enum(['better', 'same', 'worse', 'insufficient']);
export type ComparedVerdict = z.infer<typeof verdict>;

const row = z.object({
  op: z.string().describe('An operation, or (all) for all together.'),
  metric: z.enum(comparedMetrics).describe('p50, p95: response time, ms; failed: share of failed operations; rate: operations a second.'),
  verdict,
  baseline: measure.describe('Median over blocks of all baseline runs; of failed, the mean.'),
  candidate: measure,
  candidateLow: measure.describe('Bootstrap interval (BCa) of the candidate’s figure over its blocks.'),
  candidateHigh: measure,
  change: measure.describe('Of p50, p95 and rate relative to the baseline, 0.1 for 10 % more (Hodges-Lehmann); of failed, the difference of shares.'),
  changeLow: measure,
  changeHigh: measure,
  band: measure.describe('The change that is taken for noise: the tolerance, or what the baseline runs differ among themselves.'),
  p: measure.describe('Of the Mann-Whitney test over blocks.'),
  shapeP: measure.describe('Of the Kolmogorov-Smirnov test over blocks: small where spread or shape changed, whatever the middle did.'),
  baselineBlocks: z.int().min(0),
  candidateBlocks: z.int().min(0),
  reason: z.string(),
});
export type ComparisonRow = z.infer<typeof row>;

export const comparisonSchema = z
  .object({
    schema: z.literal('sora.compare/v1'),
    verdict,
    sentence: z.string(),
    baselines: z.array(z.string()).min(1).describe('Names of the runs compared with.'),
    candidate: z.string(),
    tolerance: z.number().min(0).describe('With fewer than 5 baseline runs only a change wholly beyond it gets a verdict.'),
    confidence: z.number().gt(0).lt(1),
    bandFrom: z.enum(['tolerance', 'runs']),
    warnings: z.array(z.string()),
    operations: z.array(z.object({ op: z.string(), verdict })),
    rows: z.array(row),
  })
  .describe('How a run compares with others of its kind.');
export type Comparison = z.infer<typeof comparisonSchema>;
