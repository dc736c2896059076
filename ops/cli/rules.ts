import { dirname, join, relative, resolve } from 'node:path';
import { z } from 'zod';
import { parseDurationMs } from '../core/duration.ts';
import { exitCodes, invalidConfig } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import { apiPrefix, controlClient } from '../control/client.ts';
import { alertsReadme, alertsReadmeText } from '../alerting/catalogue/alerts-readme.ts';
import { parseRuleTests } from '../alerting/rule-tests/test-file.ts';
import { runRuleTests } from '../alerting/rule-tests/run-tests.ts';
import { metricsAskedFor } from '../alerting/rules/blind.ts';
import { checkRules } from '../alerting/rules/check-rules.ts';
import { globFiles, loadRules } from '../alerting/rules/load-rules.ts';
import { metricListOf, parseMetricList, renderMetricList } from '../alerting/rules/metric-list.ts';
import type { MetricList } from '../alerting/rules/metric-list.ts';
import { parseRecording } from '../alerting/rules/recording-file.ts';
import { firstDifference, renderTransition, replayRules } from '../alerting/rules/replay.ts';
import { renderProblem } from '../alerting/rules/rule.ts';
import type { Problem, RuleGroup } from '../alerting/rules/rule.ts';
import type { MetricMetadata, MetricType } from '../metricstore/series.ts';
import type { Command, Context, Parsed } from './command.ts';
import { parseFlags, suggest } from './command.ts';

const filesMax = 1_000;
const metricListFile = 'alerts/metrics.json';
const verbs: Readonly<Record<string, (context: Context, parsed: Parsed, files: readonly string[]) => Promise<ExitCode>>> = { check, test, metrics, docs, record, replay };

export const rules: Command = {
  name: 'rules',
  summary: 'Checks and tests the alert rules',
  usage: 'sora rules check|test|metrics|docs|record|replay [FILE…] [flags]',
  flags: {
    since: { type: 'string', value: 'DURATION', help: 'record: begins that long ago; default 15m' },
    live: { type: 'boolean', help: 'check: also finds rules whose metric no process of the running stack exports now' },
    run: { type: 'string', value: 'REGEXP', help: 'test: only tests whose name this finds' },
  },
  examples: ['sora rules check', 'sora rules check --live', 'sora rules test', 'sora rules test alerts/tests/api.test.yaml --run latency', 'sora rules metrics', 'sora rules record load-run.json --since 10m', 'sora rules replay load-run.json'],
  details: [
    'check    reads rules (default alerts/rules/*.yaml) as promtool does, and finds selectors that no process exports, missing',
    '         runbooks, tests and annotations, unknown severities, and rules without an owner; --live asks the running stack too',
    'test     runs unit tests (default alerts/tests/*.yaml) in the format of promtool test rules',
    'metrics  adds what the running stack exports to alerts/metrics.json, by which check knows selectors',
    'docs     writes alerts/README.md from the rules',
    'record   writes what rules could read over a span that lies behind, and what the event log says they did; it needs samples as',
    '         they were scraped, which are kept for two hours, and the role operator',
    'replay   plays a recording again in this process and compares transition by transition with the event log',
    '\nExit codes: 0 all well, 99 something found or failed, 104 a file that is not there or cannot be read.',
  ].join('\n'),
  async run(context, args) {
    const parsed = parseFlags(rules, args, filesMax);
    const [verb, ...files] = parsed.positionals;
    const run = verb === undefined ? undefined : verbs[verb];
    if (run === undefined) {
      throw invalidConfig(verb === undefined ? 'sora rules needs a verb' : `sora rules has no verb "${verb}"`, suggest(verb ?? '', Object.keys(verbs), 'sora rules ') ?? `verbs: ${Object.keys(verbs).join(', ')}`);
    }
    return await run(context, parsed, files);
  },
};

/** Files as given, or those of the checkout; every one must be there. */
function filesOf({ host, root }: Context, given: readonly string[], folder: string): string[] {
  if (given.length === 0) {
    const found = globFiles(host.files, join(root, folder, '*.yaml'));
    if (found.length === 0) throw invalidConfig(`there is no file in ${folder}`, 'name files: sora rules check my-rules.yaml');
    return found;
  }
  return given.flatMap((pattern) => {
    const found = globFiles(host.files, resolve(host.process.cwd(), pattern));
    if (found.length === 0) throw invalidConfig(`there is no file ${resolve(host.process.cwd(), pattern)}`, folder === '' ? 'name a file that is there' : `without a name it takes ${folder}/*.yaml`);
    return found;
  });
}

async function check(context: Context, parsed: Parsed, given: readonly string[]): Promise<ExitCode> {
  const { host, root } = context;
  const paths = filesOf(context, given, 'alerts/rules');
  const loaded = loadRules(host.files, paths, { names: root });
  // Tests of rules elsewhere lie beside them as ours do.
  const testFolders = [...new Set([join(root, 'alerts/tests'), ...paths.map((path) => join(dirname(path), '../tests'))])];
  const testFiles = testFolders.flatMap((folder) => globFiles(host.files, join(folder, '*.yaml'))).map((path) => parseRuleTests(relative(root, path), host.files.readText(path)));
  const metrics = readMetricList(context);
  const found: Problem[] = [...loaded.problems, ...testFiles.flatMap(({ problems }) => problems)];
  if (parsed.has('live')) found.push(...(await findBlind(context, loaded.groups)));
  if (metrics === undefined) found.push({ file: metricListFile, line: 1, column: 1, message: 'is missing, so selectors were not checked; write it from a running stack: sora rules metrics' });
  found.push(...checkRules({ groups: loaded.groups, tests: testFiles.map(({ tests }) => tests), testFolders: testFolders.map((folder) => relative(root, folder)), metrics, exists: (path) => host.files.exists(join(root, path)) }));
  for (const problem of found) host.stdout.write(`${renderProblem(problem)}\n`);
  const count = loaded.groups.reduce((sum, { rules: each }) => sum + each.length, 0);
  host.stderr.write(`${countOf(count, 'rule')} in ${countOf(paths.length, 'file')}: ${found.length === 0 ? 'nothing found' : countOf(found.length, 'problem')}\n`);
  return found.length === 0 ? exitCodes.pass : exitCodes.thresholdsFailed;
}

const countOf = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;

async function test(context: Context, parsed: Parsed, given: readonly string[]): Promise<ExitCode> {
  const { host } = context;
  const run = parsed.text('run');
  let isFailed = false;
  let testCount = 0;
  const paths = filesOf(context, given, 'alerts/tests');
  for (const path of paths) {
    const result = await runRuleTests(host.files, path, { run: run === undefined ? undefined : pattern(run) });
    testCount += result.testCount;
    // A file whose tests were all left out has not succeeded in anything.
    if (run !== undefined && result.testCount === 0 && result.failures.length === 0) continue;
    host.stdout.write(`Unit Testing:  ${relative(host.process.cwd(), path)}\n`);
    for (const warning of result.warnings) host.stderr.write(`${warning}\n`);
    host.stdout.write(result.failures.length === 0 ? '  SUCCESS\n\n' : `  FAILED:\n${result.failures.map((failure) => `${failure}\n\n`).join('')}\n`);
    isFailed ||= result.failures.length > 0;
  }
  if (run !== undefined && testCount === 0 && !isFailed) throw invalidConfig(`--run "${run}" finds the name of no test in ${countOf(paths.length, 'file')}`, 'names stand after "name:" in the test files; leave out --run to run all');
  return isFailed ? exitCodes.thresholdsFailed : exitCodes.pass;
}

function pattern(text: string): RegExp {
  try {
    return new RegExp(text, 'u');
  } catch (error) {
    throw invalidConfig(`--run "${text}" is no regular expression`, 'for example --run "latency|errors"', error);
  }
}

const metadataReply = z.object({ data: z.record(z.string(), z.array(z.object({ type: z.string(), help: z.string(), unit: z.string() }))) });
const seriesReply = z.object({ data: z.array(z.record(z.string(), z.string())) });

/** Rules whose metric is not among what the running stack exports, whatever alerts/metrics.json says that it once did. */
async function findBlind(context: Context, groups: readonly RuleGroup[]): Promise<Problem[]> {
  const { metrics: exported } = await readExported(context);
  return [...metricsAskedFor(groups)].filter(([name]) => !Object.hasOwn(exported, name))
    .flatMap(([name, rules]) => rules.map(({ name: rule, place }): Problem => ({ file: place.file, line: place.line, column: 1, message: `${rule}: ${name}: no process of the running stack exports it` })));
}

/** What the running stack exports, added to a list there was before. */
async function readExported(context: Context, before?: MetricList): Promise<MetricList> {
  const client = controlClient(context, 'viewer');
  const { data } = await client.get('/api/v1/metadata?limit=100000', metadataReply);
  // What rules record has a colon in its name, by convention.
  const selector = encodeURIComponent('{__name__=~".+",__name__!~"ALERTS|ALERTS_FOR_STATE|.*:.*"}');
  const { data: series } = await client.get(`/api/v1/series?match[]=${selector}`, seriesReply);
  const metadata = Object.entries(data).flatMap(([name, entries]): MetricMetadata[] => entries.slice(0, 1).map((entry) => ({ name, help: entry.help, unit: entry.unit, type: entry.type as MetricType })));
  return metricListOf(metadata, series, before);
}

async function metrics(context: Context): Promise<ExitCode> {
  const { host, root } = context;
  const before = readMetricList(context);
  const list = await readExported(context, before);
  host.files.writeText(join(root, metricListFile), renderMetricList(list));
  const added = Object.keys(list.metrics).length - Object.keys(before?.metrics ?? {}).length;
  host.stdout.write(`${metricListFile}: ${Object.keys(list.metrics).length} metrics, ${added} of them new\n`);
  return exitCodes.pass;
}

function docs(context: Context): Promise<ExitCode> {
  const { host, root } = context;
  const text = alertsReadmeText(host.files, root);
  host.files.writeText(join(root, alertsReadme), text);
  host.stdout.write(`${alertsReadme}: ${text.split('\n').length} lines\n`);
  return Promise.resolve(exitCodes.pass);
}

async function record(context: Context, parsed: Parsed, given: readonly string[]): Promise<ExitCode> {
  const { host } = context;
  const [path, another] = given;
  if (path === undefined || another !== undefined) throw invalidConfig('sora rules record needs one file to write', 'for example: sora rules record load-run.json --since 10m');
  const toMs = host.clock.nowMs();
  const fromMs = toMs - parseDurationMs(parsed.text('since') ?? '15m', '--since');
  const text = await controlClient(context).text(`${apiPrefix}/rules/recording?fromMs=${fromMs}&toMs=${toMs}`);
  const { series, evaluations, transitions } = parseRecording(text, 'the reply of the control plane');
  host.files.writeText(resolve(host.process.cwd(), path), text);
  host.stdout.write(`${path}: ${new Set(series.map(({ labels }) => JSON.stringify(labels))).size} series, ${evaluations.length} evaluations, ${transitions.filter(({ atMs }) => atMs >= fromMs).length} transitions\n`);
  return exitCodes.pass;
}

async function replay(context: Context, _parsed: Parsed, given: readonly string[]): Promise<ExitCode> {
  const { host } = context;
  if (given.length === 0) throw invalidConfig('sora rules replay needs a recording', 'write one with: sora rules record load-run.json');
  let isDifferent = false;
  for (const path of filesOf(context, given, '')) {
    const recording = parseRecording(host.files.readText(path), path);
    const { transitions, evaluations } = await replayRules(recording);
    const difference = firstDifference(recording, transitions);
    const name = relative(host.process.cwd(), path);
    if (difference === undefined) {
      host.stdout.write(`${name}: the same ${countOf(transitions.length, 'transition')} in ${countOf(evaluations, 'evaluation')}\n`);
    } else {
      const { live, replayed } = difference;
      host.stdout.write(`${name}: the histories part\n  live:     ${live === undefined ? 'nothing more' : renderTransition(live)}\n  replayed: ${replayed === undefined ? 'nothing more' : renderTransition(replayed)}\n`);
      isDifferent = true;
    }
  }
  return isDifferent ? exitCodes.thresholdsFailed : exitCodes.pass;
}

function readMetricList({ host, root }: Context): MetricList | undefined {
  const path = join(root, metricListFile);
  return host.files.exists(path) ? parseMetricList(host.files.readText(path), metricListFile) : undefined;
}
