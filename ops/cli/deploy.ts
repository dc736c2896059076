import { z } from 'zod';
import { exitCodes, invalidConfig } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import { formatDuration } from '../core/duration.ts';
import { apiPrefix, controlClient } from '../control/client.ts';
import { deployMetricsReply, deployRecordedReply } from '../incidents/api.ts';
import type { DeployBody } from '../incidents/api.ts';
import { readTopology } from '../supervisor/topology.ts';
import type { Command, Context, Parsed } from './command.ts';
import { outputFlag, outputOf, parseFlags, suggest } from './command.ts';
import { renderTable } from './table.ts';

export const deploy: Command = {
  name: 'deploy',
  summary: 'Records deploys and configuration changes, shows delivery metrics (DORA)',
  usage: 'sora deploy record --service NAME --version V --commit SHA --committed-at TIME [flags] | sora deploy config --subject NAME --summary TEXT | sora deploy metrics [flags]',
  flags: {
    ...outputFlag,
    service: { type: 'string', value: 'NAME', help: 'the service that was deployed; for metrics: only that one' },
    version: { type: 'string', value: 'VERSION', help: 'what was deployed' },
    commit: { type: 'string', value: 'SHA', help: 'the last commit in it' },
    'committed-at': { type: 'string', value: 'TIME', help: 'when that was committed: ISO 8601 or Unix seconds' },
    at: { type: 'string', value: 'TIME', help: 'when it was deployed; default now' },
    outcome: { type: 'string', value: 'succeeded|failed|rolled-back', help: 'default succeeded; of a version that runs already, what became of it' },
    rework: { type: 'boolean', help: 'it mends the deploy before' },
    id: { type: 'string', value: 'ID', help: "the pipeline's own id: a second record with it changes nothing" },
    subject: { type: 'string', value: 'NAME', help: 'config: what was configured otherwise, such as gateway' },
    summary: { type: 'string', value: 'TEXT', help: 'config: what changed' },
    days: { type: 'string', value: 'DAYS', help: 'span of metrics; default 30' },
  },
  examples: ['sora deploy record --service api --version 1.4.2 --commit 5ad0e1f --committed-at "$(git show -s --format=%cI 5ad0e1f)"', 'sora deploy record --service api --version 1.4.2 --commit 5ad0e1f --committed-at 1767268800 --outcome rolled-back', "sora deploy config --subject gateway --summary 'pool from 10 to 20'", 'sora deploy metrics --days 90'],
  details: 'A pipeline without sora posts the same as JSON to /api/sora/v1/deploys of the control plane, with an operator token:\n{"service","version","commit","committedAt","at","outcome","rework","id"}.',
  async run(context, args) {
    const parsed = parseFlags(deploy, args, 1);
    const verb = parsed.positionals[0] ?? '';
    if (verb === 'record') return record(context, parsed);
    if (verb === 'config') return config(context, parsed);
    if (verb === 'metrics') return metrics(context, parsed);
    throw invalidConfig(verb === '' ? 'sora deploy needs a verb' : `sora deploy has no verb "${verb}"`, suggest(verb, ['record', 'config', 'metrics'], 'sora deploy ') ?? 'verbs: record, config, metrics');
  },
};

async function record(context: Context, parsed: Parsed): Promise<ExitCode> {
  const output = outputOf(parsed);
  const missing = ['service', 'version', 'commit', 'committed-at'].filter((name) => (parsed.text(name) ?? '') === '');
  if (missing.length > 0) throw invalidConfig(`sora deploy record needs ${missing.map((name) => `--${name}`).join(', ')}`, 'sora deploy --help has an example');
  const outcome = readOutcome(parsed.text('outcome') ?? 'succeeded');
  const [at, id] = [parsed.text('at'), parsed.text('id')];
  const body: DeployBody = {
    service: parsed.text('service') ?? '', version: parsed.text('version') ?? '', commit: parsed.text('commit') ?? '', committedAt: parsed.text('committed-at') ?? '',
    outcome, rework: parsed.has('rework'), ...(at === undefined ? {} : { at }), ...(id === undefined ? {} : { id }),
  };
  for (const warning of doubtsOf(context, body)) context.host.stderr.write(`warning: ${warning}\n`);
  const { recorded } = await controlClient(context).post(`${apiPrefix}/deploys`, body, deployRecordedReply);
  context.host.stdout.write(output === 'json' ? `${JSON.stringify({ schema: 'sora.deploy/v1', recorded })}\n` : recorded ? `recorded ${body.service} ${body.version}: ${outcome}\n` : `${body.service} ${body.version} was recorded before\n`);
  return exitCodes.pass;
}

/** What is taken as it is, for others deploy things that are not in the topology, and is more often a slip. */
function doubtsOf({ host, topology }: Context, { service, commit }: DeployBody): string[] {
  const names = host.files.exists(topology) ? readTopology(host, topology).processes.map(({ name }) => name) : [];
  const isKnown = names.length === 0 || names.includes(service);
  return [
    ...(isKnown ? [] : [`the topology has no service "${service}"; ${suggest(service, names) ?? `it has ${names.join(', ')}`}`]),
    ...(/^[0-9a-f]{7,64}$/i.test(commit) ? [] : [`"${commit}" does not look like a commit: 7 to 64 of 0-9 and a-f`]),
  ];
}

/** What the control plane cannot see for itself: its own rules, routing, on-call file and settings it compares at each start. */
async function config(context: Context, parsed: Parsed): Promise<ExitCode> {
  const output = outputOf(parsed);
  const [subject = '', summary = ''] = [parsed.text('subject'), parsed.text('summary')];
  const missing = [...(subject === '' ? ['--subject'] : []), ...(summary === '' ? ['--summary'] : [])];
  if (missing.length > 0) throw invalidConfig(`sora deploy config needs ${missing.join(' and ')}`, "for example: sora deploy config --subject gateway --summary 'pool from 10 to 20'");
  await controlClient(context).post(`${apiPrefix}/events`, { events: [{ details: { kind: 'config', subject, summary } }] }, z.unknown());
  context.host.stdout.write(output === 'json' ? `${JSON.stringify({ schema: 'sora.deploy-config/v1', recorded: true })}\n` : `recorded ${subject}: ${summary}\n`);
  return exitCodes.pass;
}

function readOutcome(text: string): 'succeeded' | 'failed' | 'rolled-back' {
  if (text === 'succeeded' || text === 'failed' || text === 'rolled-back') return text;
  throw invalidConfig(`--outcome "${text}" is unknown`, 'use succeeded, failed or rolled-back');
}

async function metrics(context: Context, parsed: Parsed): Promise<ExitCode> {
  const output = outputOf(parsed);
  const [days, service] = [parsed.text('days'), parsed.text('service')];
  const query = new URLSearchParams({ ...(days === undefined ? {} : { days }), ...(service === undefined ? {} : { service }) });
  const reply = await controlClient(context, 'viewer').get(`${apiPrefix}/deploys/metrics?${query}`, deployMetricsReply);
  if (output === 'json') {
    context.host.stdout.write(`${JSON.stringify({ schema: 'sora.deploy-metrics/v1', ...reply }, null, 2)}\n`);
    return exitCodes.pass;
  }
  const span = (ms: number | null): string => (ms === null ? '<none>' : formatDuration(ms));
  const share = ({ n, of, ratio }: { n: number; of: number; ratio: number | null }): [string, string] => [ratio === null ? '<none>' : `${(100 * ratio).toFixed(1)} %`, `${n} of ${of}`];
  const spread = ({ n, median, p90 }: { n: number; median: number | null; p90: number | null }): [string, string] => [`median ${span(median)}, p90 ${span(p90)}`, `n = ${n}`];
  context.host.stdout.write(renderTable(['METRIC', 'VALUE', 'NUMBER'], [
    ['deployment frequency', `${reply.deploysPerDay.toFixed(2)} a day`, `${reply.deploys} deploy${reply.deploys === 1 ? '' : 's'}, on ${reply.activeDays.n} of ${reply.activeDays.of} days`],
    ['lead time for changes', ...spread(reply.leadTimeMs)],
    ['change failure rate', ...share(reply.changeFailure)],
    ['failed deployment recovery time', ...spread(reply.recoveryMs)],
    ['not recovered yet', String(reply.unrecovered), ''],
    ['rework rate', ...share(reply.rework)],
  ]));
  return exitCodes.pass;
}
