import { z } from 'zod';

const ratio = z.number().min(0).max(1);

/** What can be set at run time with POST /control; what is left out stays. */
export const controlSchema = z.strictObject({
  /** Time to the reply, or to a stream's first token. */
  latencyMs: z.number().min(0).max(600_000),
  /** Added to the latency, uniform from 0. */
  jitterMs: z.number().min(0).max(600_000),
  /** Share of completions answered with 500. */
  failRatio: ratio,
  /** Share of moderations, inline ones too, that give no verdict. */
  moderationFailRatio: ratio,
  /** Pace of a stream after its first token. */
  tokensPerS: z.number().min(1).max(1_000_000),
  /** Multiplies the tokens that replies report and bill. */
  usageFactor: z.number().min(1).max(1_000),
  seed: z.int().min(0),
});

export type Control = z.infer<typeof controlSchema>;

export const defaultControl: Control = { latencyMs: 50, jitterMs: 0, failRatio: 0, moderationFailRatio: 0, tokensPerS: 200, usageFactor: 1, seed: 1 };
