/** `sora alerts silence`: makes silences, lists and ends them. */
import { apiPrefix, controlClient } from '../control/client.ts';
import { parseDurationMs } from '../core/duration.ts';
import { exitCodes, invalidConfig } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import { alertsReply, silenceReply, silencesReply } from '../alerting/routing/api.ts';
import type { AlertReply } from '../alerting/routing/api.ts';
import { formatMatcher, matchesAll, parseMatchers } from '../alerting/routing/matcher.ts';
import type { Matcher } from '../metricstore/series.ts';
import { nearLabel } from './alerts-labels.ts';
import { renderMarked, silenceColumns, silenceRows } from './alerts-text.ts';
import { json, takeNoWords, takeWord } from './alerts-words.ts';
import type { Context, Parsed } from './command.ts';
import { outputOf } from './command.ts';

export async function silence(context: Context, parsed: Parsed, words: readonly string[]): Promise<ExitCode> {
  const [first, ...others] = words;
  if (first === 'ls') {
    takeNoWords(others, 'silence ls');
    return listSilences(context, parsed);
  }
  if (first === 'expire') return endSilence(context, parsed, takeWord(others, 'silence expire', 'the id of a silence'));
  if (first === undefined) throw invalidConfig('sora alerts silence needs matchers', "for example: sora alerts silence alertname=ApiLatencyHigh --for 2h --comment 'load test'");
  return makeSilence(context, parsed, words.flatMap((text) => parseMatchers(text)));
}

async function makeSilence(context: Context, parsed: Parsed, matchers: readonly Matcher[]): Promise<ExitCode> {
  const output = outputOf(parsed);
  const { host } = context;
  const [length, comment] = [parsed.text('for'), parsed.text('comment')];
  if (length === undefined || comment === undefined) throw invalidConfig(`sora alerts silence needs ${length === undefined ? '--for' : '--comment'}`, "say how long and why: --for 2h --comment 'load test'");
  const client = controlClient(context);
  const made = await client.post(`${apiPrefix}/silences`, { matchers: matchers.map(formatMatcher), forMs: parseDurationMs(length, '--for'), comment }, silenceReply);
  const firing = (await client.get(`${apiPrefix}/alerts`, alertsReply)).alerts.filter(({ standing }) => standing !== 'resolved');
  const held = firing.filter(({ labels }) => matchesAll(matchers, labels)).length;
  if (output === 'json') return json(context, { schema: 'sora.silence/v1', ...made, matching: held, firing: firing.length });
  host.stdout.write(`${made.id} silences ${made.matchers.join(' ')} until ${new Date(made.endsAtMs).toISOString()}, by ${made.author}\n`);
  host.stdout.write(`of ${firing.length} ${firing.length === 1 ? 'alert that fires' : 'alerts that fire'} it matches ${held === 0 ? 'none' : held}\n`);
  for (const line of held === 0 ? strangeLabels(matchers, firing) : []) host.stderr.write(`${line}\n`);
  return exitCodes.pass;
}

/** Labels that nothing that fires has: a slip, or what does not fire yet. */
function strangeLabels(matchers: readonly Matcher[], firing: readonly AlertReply[]): string[] {
  const known = new Set(firing.flatMap(({ labels }) => Object.keys(labels)));
  return [...new Set(matchers.map(({ name }) => name))].filter((name) => firing.length > 0 && !known.has(name)).map((name) => `nothing that fires has the label ${name}${nearLabel(name, known)}`);
}

async function endSilence(context: Context, parsed: Parsed, id: string): Promise<ExitCode> {
  const output = outputOf(parsed);
  const ended = await controlClient(context).delete(`${apiPrefix}/silences/${encodeURIComponent(id)}`, silenceReply);
  if (output === 'json') return json(context, { schema: 'sora.silence/v1', ...ended });
  context.host.stdout.write(`ended ${ended.id}: ${ended.matchers.join(' ')}\n`);
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
