import { apiPrefix, controlClient } from '../control/client.ts';
import { formatDuration, parseDurationMs } from '../core/duration.ts';
import { exitCodes, invalidConfig } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import { severities } from '../alerting/alert.ts';
import type { Severity } from '../alerting/alert.ts';
import { ackReply, alertReply, alertsReply, noiseReply, testReply } from '../alerting/routing/api.ts';
import type { AlertReply } from '../alerting/routing/api.ts';
import { silence } from './alerts-silence.ts';
import { ageOf, alertColumns, alertRows, renderAlert, renderMarked, shortId } from './alerts-text.ts';
import { json, takeNoWords, takeWord } from './alerts-words.ts';
import type { Command, Context, Parsed } from './command.ts';
import { outputFlag, outputOf, parseFlags, suggest } from './command.ts';
import { routeLabels } from './alerts-route.ts';
import { renderTable } from './table.ts';

type Run = (context: Context, parsed: Parsed, words: readonly string[]) => Promise<ExitCode>;

const verbs: Readonly<Record<string, Run>> = { ls, show, ack, silence, route: (context, parsed, words) => routeLabels(context, parsed, words), test, noise };
const wordsMax = 60;

export const alerts: Command = {
  name: 'alerts',
  summary: 'Shows alerts, acknowledges and silences them, says who is told',
  usage: 'sora alerts ls|show|ack|silence|route|test|noise [WORD…] [flags]',
  flags: {
    ...outputFlag,
    all: { type: 'boolean', help: 'ls: resolved alerts too; silence ls: those that are over too' },
    severity: { type: 'string', value: 'NAME', help: `ls: only those; ${severities.join(', ')}` },
    for: { type: 'string', value: 'DURATION', help: 'silence: how long; ack: until it is repeated again, default until it resolves' },
    comment: { type: 'string', short: 'c', value: 'TEXT', help: 'silence: why' },
    file: { type: 'string', value: 'FILE', help: 'route: the routing file, with receivers.yaml beside it; default alerts/routing.yaml' },
    at: { type: 'string', value: 'TIME', help: 'route: whether a route is muted then, such as 2026-12-24T18:00:00Z' },
  },
  examples: [
    'sora alerts ls',
    'sora alerts ack 3f2a9c --for 2h',
    'sora alerts ack CrashLoop',
    "sora alerts silence alertname=ApiLatencyHigh 'instance=~api-.*' --for 2h --comment 'load test'",
    'sora alerts silence ls',
    'sora alerts silence expire d44f8a12',
    'sora alerts route severity=critical service=api',
    'sora alerts test critical',
  ],
  details: [
    'Verbs:',
    '  ls                 what fires, the gravest first, and why somebody is not told of it',
    '  show NAME|ID       all of an alert or group; four characters of an id do',
    '  ack NAME|ID        takes a firing alert or group on: it is neither repeated nor escalated until it resolves',
    '                     or something new fires in the group. A name means all alerts of that name',
    '  silence MATCHER…   keeps matching alerts from being told: needs --for and --comment',
    '  silence ls         silences, with what they match and when they end; --all with those that are over',
    '  silence expire ID  ends one before its time; four characters of its id do',
    '  route LABEL=VALUE… says offline which receivers an alert goes to, as amtool config routes test does',
    '  route              without labels: checks routing.yaml, receivers.yaml and oncall.yaml, shows the tree, and which',
    '                     integrations are on and off by the environment of this shell',
    '  test RECEIVER      sends a test of severity low to each of its integrations, with a link to try, and tells what each answered',
    '  noise              for each rule how often it fired, how often somebody did something about it, and its last drill',
    '\nExit codes: 0 well, 1 a test was not delivered, 104 wrong words or files, or no control plane that could be asked.',
  ].join('\n'),
  async run(context, args) {
    const parsed = parseFlags(alerts, args, wordsMax);
    const [verb, ...words] = parsed.positionals;
    const run = verb === undefined || !Object.hasOwn(verbs, verb) ? undefined : verbs[verb];
    if (run === undefined) throw invalidConfig(verb === undefined ? 'sora alerts needs a verb' : `sora alerts has no verb "${verb}"`, suggest(verb ?? '', Object.keys(verbs), 'sora alerts ') ?? `verbs: ${Object.keys(verbs).join(', ')}`);
    return run(context, parsed, words);
  },
};

async function ls(context: Context, parsed: Parsed, words: readonly string[]): Promise<ExitCode> {
  takeNoWords(words, 'ls');
  const output = outputOf(parsed);
  const { host } = context;
  const severity = severityOf(parsed);
  const reply = await controlClient(context, 'viewer').get(`${apiPrefix}/alerts`, alertsReply);
  const shown = reply.alerts.filter((alert) => (parsed.has('all') || alert.standing !== 'resolved') && (severity === undefined || alert.severity === severity));
  if (output === 'json') return json(context, { schema: 'sora.alerts/v1', alerts: shown });
  if (shown.length === 0) host.stderr.write(nothingOf(severity, reply.alerts));
  else host.stdout.write(renderMarked(host, host.stdout, alertColumns, alertRows(host, shown)));
  return exitCodes.pass;
}

/** @throws SoraError `invalid_config` for one that there is not: no alert has it, and that would look as if all were well */
function severityOf(parsed: Parsed): Severity | undefined {
  const given = parsed.text('severity');
  const known = severities.find((severity) => severity === given);
  if (given !== undefined && known === undefined) throw invalidConfig(`there is no severity "${given}"`, `severities are ${severities.join(', ')}${prefixed('; ', suggest(given, severities))}`);
  return known;
}

const prefixed = (prefix: string, text: string | undefined): string => (text === undefined ? '' : `${prefix}${text}`);

function nothingOf(severity: Severity | undefined, all: readonly AlertReply[]): string {
  const others = all.filter(({ standing }) => standing !== 'resolved').length;
  if (severity === undefined || others === 0) return 'nothing fires\n';
  return `nothing of severity ${severity} fires; ${others === 1 ? 'one other alert does' : `${others} others do`}\n`;
}

async function show(context: Context, parsed: Parsed, words: readonly string[]): Promise<ExitCode> {
  const id = takeWord(words, 'show', 'a name or an id');
  const output = outputOf(parsed);
  const reply = await controlClient(context, 'viewer').get(`${apiPrefix}/alerts/${encodeURIComponent(id)}`, alertReply);
  if (output === 'json') return json(context, { schema: 'sora.alert/v1', ...reply });
  context.host.stdout.write(reply.alerts.map((alert) => renderAlert(context.host, alert)).join('\n'));
  // Of a group of which something else fires, somebody may be paged: not for an alert that is over.
  const open = new Set(reply.alerts.filter(({ standing }) => standing !== 'resolved').flatMap(({ groups }) => groups));
  for (const group of reply.groups) if (group.paged !== undefined && open.has(group.id)) context.host.stdout.write(`\n${group.paged} is being paged for ${shortId(group.id)} (${group.receiver})\n`);
  return exitCodes.pass;
}

async function ack(context: Context, parsed: Parsed, words: readonly string[]): Promise<ExitCode> {
  const target = takeWord(words, 'ack', 'a name or an id');
  const output = outputOf(parsed);
  const length = parsed.text('for');
  const forMs = length === undefined ? undefined : parseDurationMs(length, '--for');
  const reply = await controlClient(context).post(`${apiPrefix}/alerts/ack`, { target, via: 'cli', ...(forMs === undefined ? {} : { forMs }) }, ackReply);
  if (output === 'json') return json(context, { schema: 'sora.ack/v1', ...reply });
  const count = reply.fingerprints.length;
  context.host.stdout.write(`acknowledged ${count === 1 ? 'one alert' : `${count} alerts`}${forMs === undefined ? ' until resolved' : ` for ${formatDuration(forMs)}`}: ${reply.fingerprints.map(shortId).join(', ')}\n`);
  for (const { by, atMs } of reply.replaced) context.host.stdout.write(`${by} had acknowledged ${count === 1 ? 'it' : 'some of them'} ${ageOf(context.host, atMs)} ago: speak to each other\n`);
  return exitCodes.pass;
}

async function test(context: Context, parsed: Parsed, words: readonly string[]): Promise<ExitCode> {
  const receiver = takeWord(words, 'test', 'a receiver');
  const output = outputOf(parsed);
  const { host } = context;
  const reply = await controlClient(context).post(`${apiPrefix}/alerts/test`, { receiver }, testReply);
  const { results, off, ackUrl } = reply;
  if (output === 'json') json(context, { schema: 'sora.alert-test/v1', receiver, ...reply });
  else {
    // A test is sent once: what would be tried again of a real message is a failure here.
    host.stdout.write(renderMarked(host, host.stdout, ['INTEGRATION', 'TOOK', 'ANSWER'], results.map(({ integration, outcome, error, durationMs }) => ({ standing: outcome === 'retry' ? 'failed' : outcome, cells: [integration, formatDuration(durationMs), error ?? 'taken'] }))));
    for (const note of off) host.stderr.write(`${note}\n`);
    if (ackUrl !== undefined) host.stderr.write(`its acknowledge link, to be tried where people read their messages: ${ackUrl}\n`);
  }
  return results.every(({ outcome }) => outcome === 'sent') ? exitCodes.pass : exitCodes.generic;
}

async function noise(context: Context, parsed: Parsed, words: readonly string[]): Promise<ExitCode> {
  takeNoWords(words, 'noise');
  const output = outputOf(parsed);
  const { rules, cutEvents } = await controlClient(context, 'viewer').get(`${apiPrefix}/alerts/noise`, noiseReply);
  if (cutEvents > 0) context.host.stderr.write(`the oldest ${cutEvents} events were left out, as too many to read\n`);
  if (output === 'json') return json(context, { schema: 'sora.alert-noise/v1', rules });
  const days = (ms: number | undefined): string => (ms === undefined ? 'never' : ms < 86_400_000 ? `${formatDuration(Math.floor(ms / 60_000) * 60_000)} ago` : `${Math.floor(ms / 86_400_000)}d ago`);
  if (rules.length === 0) context.host.stderr.write('no rule is loaded, and none has fired or been drilled\n');
  else {
    context.host.stdout.write(renderTable(['RULE', 'FIRINGS', 'ACTED ON', 'SHARE', 'ONLY SILENCED', 'MEDIAN LENGTH', 'LAST DRILL'], rules.map((rule) => [
      rule.rule, rule.firings, rule.actedOn, rule.actionRatio === undefined ? '-' : `${Math.round(rule.actionRatio * 100)} %`, rule.silenced, rule.medianDurationMs === undefined ? '-' : formatDuration(rule.medianDurationMs), `${days(rule.sinceDrillMs)}${rule.drillProblem === undefined ? '' : `, ${rule.drillProblem}`}`,
    ])));
  }
  return exitCodes.pass;
}
