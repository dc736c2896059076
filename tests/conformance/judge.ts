import { z } from 'zod';
import { invalidConfig, messageOf } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { classify } from '../../ops/judge/classifier.ts';
import type { CaseResult } from './tally.ts';

/** JSON has no NaN; files write null or a word for a gap. */
const value = z.union([z.number(), z.null(), z.string()]).transform((found) => (typeof found === 'number' ? found : Number.NaN));
const limits = z.tuple([z.number(), z.number()]).nullable().default(null);

const caseSchema = z.object({
  name: z.string(),
  direction: z.enum(['increase', 'decrease', 'either']),
  nanStrategy: z.enum(['remove', 'replace']),
  isCritical: z.boolean().default(false),
  isDataRequired: z.boolean().default(false),
  tolerance: z.number().min(0),
  confidence: z.number().gt(0).lt(1),
  effectSizeMeasure: z.enum(['meanRatio', 'cles']).default('meanRatio'),
  effectSizeThresholds: limits,
  criticalThresholds: limits,
  control: z.array(value),
  experiment: z.array(value),
  expected: z.string(),
  /** Whether the metric must condemn the experiment by itself; absent: not compared. */
  critical: z.boolean().optional(),
});

export type ClassifierCase = z.infer<typeof caseSchema>;

const shape = 'it must hold a list "cases", each with control, experiment and expected';
const fileSchema = z.object({ cases: z.array(z.unknown()).min(1) });

/** Runs every case of a file of classifier cases. A case whose fields are unknown to us is skipped and says why. */
export function runJudgeFile(host: Host, path: string): CaseResult[] {
  const { cases } = readFile(host, path);
  return cases.map((raw, index) => {
    const parsed = caseSchema.safeParse(raw);
    if (parsed.success) return runCase(parsed.data);
    const issue = parsed.error.issues[0];
    return { outcome: 'skipped', name: `case ${index + 1}`, detail: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'unreadable'}` };
  });
}

function runCase(each: ClassifierCase): CaseResult {
  const { name, direction, nanStrategy, isCritical, isDataRequired, tolerance, confidence, effectSizeMeasure } = each;
  const found = classify(each.control, each.experiment, {
    direction, nanStrategy, isCritical, isRequired: isDataRequired, tolerance, confidence, effectSize: effectSizeMeasure,
    ...(each.effectSizeThresholds === null ? {} : { effectLimits: each.effectSizeThresholds }),
    ...(each.criticalThresholds === null ? {} : { criticalLimits: each.criticalThresholds }),
  });
  const isCriticalRight = each.critical === undefined || each.critical === found.critical;
  if (plain(found.classification) === plain(each.expected) && isCriticalRight) return { outcome: 'passed', name };
  const shown = (classification: string, critical: boolean | undefined): string => (each.critical === undefined ? classification : `${classification}, ${critical === true ? '' : 'not '}critical`);
  return { outcome: 'failed', name, expected: shown(each.expected, each.critical), found: `${shown(found.classification, found.critical)} (${found.reason}, effect ${Number(found.effect.toPrecision(4))})` };
}

/** `nodataFailMetric`, `NODATA_FAILED` and ours are one word for one thing. */
const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z]/g, '').replace(/^nodatafail(ed|metric)$/, 'nodatafailed');

function readFile(host: Host, path: string): z.infer<typeof fileSchema> {
  if (!host.files.exists(path)) throw invalidConfig(`there is no file ${path}`, 'npm run conformance -- judge FILE takes a JSON file with a list "cases"');
  const read = fileSchema.safeParse(parseJson(path, host.files.readText(path)));
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw invalidConfig(`${path} is no file of classifier cases: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`, shape);
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw invalidConfig(`${path} is no JSON: ${messageOf(error)}`, shape, error);
  }
}
