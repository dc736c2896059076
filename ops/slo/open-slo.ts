/** Reads objectives in the format OpenSLO v1 (github.com/OpenSLO/OpenSLO, README.md of v1): the part of it that can be measured by counting. */
import { LineCounter, parseAllDocuments } from 'yaml';
import type { Document, Node } from 'yaml';
import { z } from 'zod';
import { SoraError, exitCodes, messageOf } from '../core/error.ts';
import type { Files } from '../core/host.ts';
import { parseDurationMs } from '../metricstore/promql/literals.ts';
import { parsePromql } from '../metricstore/promql/parse.ts';
import type { Slo } from './slo.ts';

export interface SloProblem {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

const name = z.string().regex(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/, 'use 1 to 63 of a-z, 0-9 and -, as in DNS');
const selector = z.string().min(1).max(2_000).superRefine((text, context) => {
  try {
    if (parsePromql(text).kind !== 'selector') context.addIssue('write one selector of a counter, such as http_requests_total{code="200"}: rates and sums are added here');
  } catch (error) {
    context.addIssue(messageOf(error));
  }
});
const source = z.strictObject({
  metricSource: z.strictObject({
    type: z.literal('Prometheus', 'only Prometheus is read').default('Prometheus'),
    metricSourceRef: z.string().optional(),
    spec: z.strictObject({ query: selector }),
  }),
});
const ratioMetric = z.strictObject({
  counter: z.literal(true, 'must be true: good, bad and total are counters'),
  good: source.optional(),
  bad: source.optional(),
  total: source,
}).refine(({ good, bad }) => (good === undefined) !== (bad === undefined), 'give either good or bad');
const target = z.number().gt(0, 'must lie between 0 and 1').lt(1, 'must lie between 0 and 1: an objective without a budget is always missed');
const objective = z.strictObject({
  displayName: z.string().optional(),
  target: target.optional(),
  targetPercent: z.number().gt(0).lt(100).optional(),
}).refine((each) => (each.target === undefined) !== (each.targetPercent === undefined), 'give either target or targetPercent');
const window = z.strictObject({
  duration: z.string().refine((text) => {
    const durationMs = parseDurationMs(text);
    return durationMs !== undefined && durationMs >= 86_400_000 && durationMs <= 90 * 86_400_000;
  }, 'give 1d to 90d, such as 14d'),
  isRolling: z.literal(true, 'must be true: calendar windows are not supported'),
});
const badEventsMin = z.string().regex(/^[1-9]\d{0,5}$/, 'give a whole number of failures, at least 1').transform(Number);

const documentSchema = z.strictObject({
  apiVersion: z.literal('openslo/v1'),
  kind: z.literal('SLO'),
  metadata: z.strictObject({
    name,
    displayName: z.string().min(1).max(100).optional(),
    labels: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
    /** `sora/owner`: who is told; `sora/bad-events-min`: the guard of low traffic. */
    annotations: z.object({ 'sora/owner': z.string().min(1).max(60), 'sora/bad-events-min': badEventsMin.default(10) }).catchall(z.string()),
  }),
  spec: z.strictObject({
    description: z.string().max(1_050).default(''),
    service: z.string().min(1).max(63),
    indicator: z.strictObject({ metadata: z.object({ name }).loose().optional(), spec: z.strictObject({ description: z.string().optional(), ratioMetric }) }),
    timeWindow: z.array(window).length(1, 'give one window'),
    budgetingMethod: z.literal('Occurrences', 'only Occurrences is supported'),
    objectives: z.array(objective).length(1, 'give one objective; write a second as an SLO of its own'),
  }),
});

/** All objectives of a file, and all that is wrong with it; what is wrong is left out. */
export function parseSlos(file: string, text: string): { readonly slos: readonly Slo[]; readonly problems: readonly SloProblem[] } {
  const lines = new LineCounter();
  const slos: Slo[] = [];
  const problems: SloProblem[] = [];
  const documents = parseAllDocuments(text, { lineCounter: lines });
  if (documents.length === 0) return { slos, problems: [{ file, line: 1, message: 'the file holds no document' }] };
  for (const document of documents) {
    problems.push(...document.errors.map(({ message, linePos }) => ({ file, line: linePos?.[0].line ?? 1, message: `yaml: ${message.split('\n')[0] ?? ''}` })));
    if (document.errors.length > 0) continue;
    const parsed = documentSchema.safeParse(document.toJS());
    if (parsed.success) slos.push(sloOf(parsed.data));
    else {
      for (const issue of parsed.error.issues) {
        problems.push({ file, line: lineOf(document, lines, issue.path), message: `${issue.path.join('.') || 'the document'}: ${issue.message}` });
      }
    }
  }
  return { slos, problems };
}

/** The line of the deepest part of the path that stands in the file. */
function lineOf(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = document.getIn(path.slice(0, length), true) as Node | null | undefined;
    const offset = node?.range?.[0];
    if (offset !== undefined) return lines.linePos(offset).line;
  }
  return 1;
}

function sloOf({ metadata, spec }: z.infer<typeof documentSchema>): Slo {
  const { good, bad, total } = spec.indicator.spec.ratioMetric;
  const [{ duration } = { duration: '' }] = spec.timeWindow;
  const [{ target: ratio, targetPercent = 0 } = {}] = spec.objectives;
  return {
    name: metadata.name,
    displayName: metadata.displayName ?? metadata.name,
    description: spec.description.trim(),
    service: spec.service,
    owner: metadata.annotations['sora/owner'],
    indicator: {
      counted: good === undefined ? 'bad' : 'good',
      events: (good ?? bad)?.metricSource.spec.query.trim() ?? '',
      total: total.metricSource.spec.query.trim(),
    },
    targetRatio: ratio ?? Number((targetPercent / 100).toPrecision(12)),
    periodMs: parseDurationMs(duration) ?? 0,
    badEventsMin: metadata.annotations['sora/bad-events-min'],
  };
}

/**
 * Reads every `*.yaml` of a folder, in order of their names.
 * @throws SoraError 104 with every problem of every file, and objectives of one name
 */
export function loadSlos(files: Files, folder: string): Slo[] {
  const found = files.exists(folder) ? files.list(folder).filter((each) => /\.ya?ml$/.test(each)).sort() : [];
  const read = found.map((each) => ({ each, ...parseSlos(each, files.readText(`${folder}/${each}`)) }));
  const slos = read.flatMap((file) => file.slos);
  const problems = read.flatMap((file) => file.problems);
  const names = read.flatMap(({ each, slos: own }) => own.map((slo) => ({ file: each, name: slo.name })));
  for (const [at, { file, name: twice }] of names.entries()) {
    const first = names.findIndex((other) => other.name === twice);
    if (first < at) problems.push({ file, line: 1, message: `${names[first]?.file} has an objective named "${twice}" already` });
  }
  if (problems.length === 0) return slos;
  const lines = problems.map(({ file, line, message }) => `${file}:${line}: ${message}`);
  throw new SoraError('bad_slos', `the objectives in ${folder} have ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n${lines.join('\n')}`, {
    exitCode: exitCodes.invalidConfig, hint: 'alerts/slo holds examples',
  });
}
