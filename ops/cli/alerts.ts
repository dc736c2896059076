import { apiPrefix, controlClient } from '../control/client.ts';
import { formatDuration, parseDurationMs } from '../core/duration.ts';
import { exitCodes, invalidConfig } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import { ackReply, alertReply, alertsReply, noiseReply, silenceReply, silencesReply, testReply } from '../alerting/routing/api.ts';
import { formatMatcher, parseMatchers } from '../alerting/routing/matcher.ts';
import { alertColumns, alertRows, renderAlert, renderMarked, shortId, silenceColumns, silenceRows } from './alerts-text.ts';
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
    severity: { type: 'string', value: 'NAME', help: 'ls: only those' },
    for: { type: 'string', value: 'DURATION', help: 'silence: how long; ack: until it is repeated again, default until it resolves' },
    comment: { type: 'string', short: 'c', value: 'TEXT', help: 'silence: why' },
    file: { type: 'string', value: 'FILE', help: 'route: the routing file; default alerts/routing.yaml' },
    at: { type: 'string', value: 'TIME', help: 'route: whether a route is muted then, such as 2026-12-24T18:00:00Z' },
  },
  examples: [
    'sora alerts ls',
    'sora alerts ack 3f2a9c --for 2h',
    "sora alerts silence alertname=ApiLatencyHigh 'instance=~api-.*' --for 2h --comment 'load test'",
    'sora alerts silence ls',
    'sora alerts route severity=critical service=api',
    'sora alerts test critical',
  ],
  details: [
    'Verbs:',
    '  ls                 what fires, the gravest first, and why somebody is not told of it',
    '  show ID            all of an alert or group; four characters of an id do',
    '  ack ID             takes a firing alert or group on: it is neither repeated nor escalated until it resolves',
    '                     or something new fires in the group',
    '  silence MATCHER…   keeps matching alerts from being told; silence ls and silence expire ID',
    '  route LABEL=VALUE… says offline which receivers an alert goes to, as amtool config routes test does; without',
    '                     labels it checks the file and shows the tree',
    '  test RECEIVER      sends a test to each of its integrations, and tells what each answered',
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

function json(context: Context, value: unknown): ExitCode {
  context.host.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
  return exitCodes.pass;
}

function takeWord(words: readonly string[], verb: string, what: string): string {
  const [word, extra] = words;
  if (word === undefined || word === '') throw invalidConfig(`sora alerts ${verb} needs ${what}`, `sora alerts ${verb} --help shows how`);
  if (extra !== undefined) throw invalidConfig(`sora alerts ${verb} does not take "${extra}"`, `give one ${what.replace(/^an? /, '')}`);
  return word;
}

function takeNoWords(words: readonly string[], verb: string): void {
  if (words.length > 0) throw invalidConfig(`sora alerts ${verb} does not take "${words[0]}"`, `sora alerts ${verb} --help shows what it takes`);
}

async function ls(context: Context, parsed: Parsed, words: readonly string[]): Promise<ExitCode> {
  takeNoWords(words, 'ls');
  const output = outputOf(parsed);
  const { host } = context;
  const reply = await controlClient(context, 'viewer').get(`${apiPrefix}/alerts`, alertsReply);
  const severity = parsed.text('severity');
  const shown = reply.alerts.filter((alert) => (parsed.has('all') || alert.standing !== 'resolved') && (severity === undefined || alert.severity === severity));
  if (output === 'json') return json(context, { schema: 'sora.alerts/v1', alerts: shown });
  if (shown.length === 0) host.stderr.write('nothing fires\n');
  else host.stdout.write(renderMarked(host, host.stdout, alertColumns, alertRows(host, shown)));
  return exitCodes.pass;
}

async function show(context: Context, parsed: Parsed, words: readonly string[]): Promise<ExitCode> {
  const id = takeWord(words, 'show', 'an id');
  const output = outputOf(parsed);
  const reply = await controlClient(context, 'viewer').get(`${apiPrefix}/alerts/${encodeURIComponent(id)}`, alertReply);
  if (output === 'json') return json(context, { schema: 'sora.alert/v1', ...reply });
  context.host.stdout.write(reply.alerts.map((alert) => renderAlert(context.host, alert)).join('\n'));
  for (const group of reply.groups) if (group.paged !== undefined) context.host.stdout.write(`\n${group.paged} is being paged for ${shortId(group.id)} (${group.receiver})\n`);
  return exitCodes.pass;
}

async function ack(context: Context, parsed: Parsed, words: readonly string[]): Promise<ExitCode> {
  const target = takeWord(words, 'ack', 'an id');
  const output = outputOf(parsed);
  const length = parsed.text('for');
  const forMs = length === undefined ? undefined : parseDurationMs(length, '--for');
  const reply = await controlClient(context).post(`${apiPrefix}/alerts/ack`, { target, via: 'cli', ...(forMs === undefined ? {} : { forMs }) }, ackReply);
  if (output === 'json') return json(context, { schema: 'sora.ack/v1', ...reply });
  const count = reply.fingerprints.length;
  context.host.stdout.write(`acknowledged ${count === 1 ? 'one alert' : `${count} alerts`}${forMs === undefined ? ' until resolved' : ` for ${formatDuration(forMs)}`}: ${reply.fingerprints.map(shortId).join(', ')}\n`);
  return exitCodes.pass;
}

async function silence(context: Context, parsed: Parsed, words: readonly string[]): Promise<ExitCode> {
  const [first, ...others] = words;
  if (first === 'ls') {
    takeNoWords(others, 'silence ls');
    return listSilences(context, parsed);
  }
  const output = outputOf(parsed);
  if (first === 'expire') {
    const ended = await controlClient(context).delete(`${apiPrefix}/silences/${encodeURIComponent(takeWord(others, 'silence expire', 'the id of a silence'))}`, silenceReply);
    if (output === 'json') return json(context, { schema: 'sora.silence/v1', ...ended });
    context.host.stdout.write(`ended ${ended.id}: ${ended.matchers.join(' ')}\n`);
    return exitCodes.pass;
  }
  if (first === undefined) throw invalidConfig('sora alerts silence needs matchers', "for example: sora alerts silence alertname=ApiLatencyHigh --for 2h --comment 'load test'");
  const matchers = words.flatMap((text) => parseMatchers(text)).map(formatMatcher);
  const [length, comment] = [parsed.text('for'), parsed.text('comment')];
  if (length === undefined || comment === undefined) throw invalidConfig(`sora alerts silence needs ${length === undefined ? '--for' : '--comment'}`, "say how long and why: --for 2h --comment 'load test'");
  const made = await controlClient(context).post(`${apiPrefix}/silences`, { matchers, forMs: parseDurationMs(length, '--for'), comment }, silenceReply);
  if (output === 'json') return json(context, { schema: 'sora.silence/v1', ...made });
  context.host.stdout.write(`${made.id} silences ${made.matchers.join(' ')} until ${new Date(made.endsAtMs).toISOString()}\n`);
  return exitCodes.pass;
}

async function listSilences(context: Context, parsed: Parsed): Promise<ExitCode> {
  const output = outputOf(parsed);
  const { host } = context;
  const reply = await controlClient(context, 'viewer').get(`${apiPrefix}/silences`, silencesReply);
  const shown = reply.silences.filter(({ state }) => parsed.has('all') || state !== 'expired');
  if (output === 'json') return json(context, { schema: 'sora.silences/v1', silences: shown });
  if (shown.length === 0) host.stderr.write('nothing is silenced\n');
  else host.stdout.write(renderMarked(host, host.stdout, silenceColumns, silenceRows(host, shown)));
  return exitCodes.pass;
}

async function test(context: Context, parsed: Parsed, words: readonly string[]): Promise<ExitCode> {
  const receiver = takeWord(words, 'test', 'a receiver');
  const output = outputOf(parsed);
  const { host } = context;
  const { results } = await controlClient(context).post(`${apiPrefix}/alerts/test`, { receiver }, testReply);
  if (output === 'json') json(context, { schema: 'sora.alert-test/v1', receiver, results });
  else host.stdout.write(renderMarked(host, host.stdout, ['INTEGRATION', 'TOOK', 'ANSWER'], results.map(({ integration, outcome, error, durationMs }) => ({ standing: outcome, cells: [integration, formatDuration(durationMs), error ?? 'taken'] }))));
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
