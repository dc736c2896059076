import { z } from 'zod';

/** One line of the table of `npm run bench`: what was measured, over its rounds. */
export const benchRowSchema = z.strictObject({
  /** What is measured together, such as `ledger`. */
  group: z.string().min(1),
  name: z.string().min(1),
  /** Of the three figures, such as `µs CPU/request`. */
  unit: z.string().min(1),
  median: z.number(),
  low: z.number(),
  high: z.number(),
  /** What one must know to read the figures. */
  note: z.string().optional(),
});
export type BenchRow = z.infer<typeof benchRowSchema>;

/** What a bench file prints with `--json`. */
export const benchRowsSchema = z.array(benchRowSchema).min(1);
