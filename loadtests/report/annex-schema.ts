import { z } from 'zod';

const count = z.int().min(0);
const ratio = z.number().min(0).max(1);
/** null where nothing was measured. */
const measure = z.number().nullable();
const quantiles = z.object({ p50: measure, p95: measure, p99: measure, max: measure }).describe('Milliseconds; null where nothing was measured.');
const omitted = count.describe('Further rows that were left out.');

const checkRow = z.object({ name: z.string(), op: z.string(), total: count, failed: count });

const tagRow = z.object({
  name: z.string(),
  value: z.string(),
  operations: z.object({ total: count, perS: z.number().min(0), failed: count, failedRatio: ratio, refused: count }),
  responseMs: quantiles.describe('Due time to last byte read.'),
  requests: z.object({ total: count, failed: count, failedRatio: ratio, durationMs: quantiles }),
  checks: z.object({ total: count, failed: count }).optional().describe('Absent where none was made.'),
});

/** What a summary says beyond operations: each only where there is something to say, so that runs of before read as they did. */
export const annexShape = {
  checks: z
    .object({ total: count, failed: count, rows: z.array(checkRow), omitted })
    .optional()
    .describe('Checks of the hold by name and operation, those with the most failures first; total counts passed and failed.'),
  tags: z
    .object({ rows: z.array(tagRow), omitted })
    .optional()
    .describe('The hold by the tags that journeys set, by name, those of the most operations first.'),
  arrivalsQueued: count.optional().describe('Arrivals of the whole run that found every user busy, waited for one and kept their due time; absent where work does not arrive openly.'),
  arrivalsCut: z
    .object({ cut: count, begun: count })
    .optional()
    .describe('Arrivals whose pause reached beyond the end of the run, so that what came after was never done, of those that began; absent where none was.'),
  namesBeyond: z
    .object({ operations: count, tags: count, checks: count })
    .optional()
    .describe('How often something counted as (other), as its name came beyond the bound of such names; absent where nothing did.'),
};

export const annexSchema = z.object(annexShape);
export type Annex = z.infer<typeof annexSchema>;
export type AnnexQuantiles = z.infer<typeof quantiles>;
export type TagRow = z.infer<typeof tagRow>;
