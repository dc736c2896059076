import { z } from 'zod';

/** What a figure must be; each bound that is given holds for its median. */
export const benchLimitSchema = z
  .strictObject({ atLeast: z.number().optional(), atMost: z.number().optional(), below: z.number().optional() })
  .refine((limit) => Object.values(limit).some((bound) => bound !== undefined), 'a limit has a bound');
export type BenchLimit = z.infer<typeof benchLimitSchema>;

const named = {
  /** What is measured together, such as `ledger`. */
  group: z.string().min(1),
  name: z.string().min(1),
  /** Of the three figures, such as `µs CPU/request`. */
  unit: z.string().min(1),
  /** What the median must be, where that is settled. */
  must: benchLimitSchema.optional(),
};

const measuredRowSchema = z.strictObject({
  ...named,
  median: z.number(),
  low: z.number(),
  high: z.number(),
  /** What one must know to read the figures. */
  note: z.string().optional(),
});

/** A figure that belongs in the table and could not be measured, with the reason and the next step. */
const unmeasuredRowSchema = z.strictObject({ ...named, unmeasured: z.string().min(1) });

/** One line of the table of `npm run bench`: what was measured over its rounds, or why it was not. */
export const benchRowSchema = z.union([measuredRowSchema, unmeasuredRowSchema]);
export type MeasuredRow = z.infer<typeof measuredRowSchema>;
export type UnmeasuredRow = z.infer<typeof unmeasuredRowSchema>;
export type BenchRow = z.infer<typeof benchRowSchema>;

/** What a bench file prints with `--json`. */
export const benchRowsSchema = z.array(benchRowSchema).min(1);
