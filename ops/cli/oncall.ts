import { Temporal } from 'temporal-polyfill';
import { apiPrefix, controlClient } from '../control/client.ts';
import { parseDurationMs } from '../core/duration.ts';
import { exitCodes, invalidConfig } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import { oncallReply, overrideReply, overridesReply } from '../alerting/routing/api.ts';
import { readTime, timeOf } from './alerts-route.ts';
import { shortId } from './alerts-text.ts';
import type { Command, Context, Parsed } from './command.ts';
import { outputFlag, outputOf, parseFlags, suggest } from './command.ts';
import { renderTable } from './table.ts';

const verbs: Readonly<Record<string, (context: Context, parsed: Parsed, words: readonly string[]) => Promise<ExitCode>>> = { who, override, overrides, cancel };

/** A verb, and what it takes. */
const wordsMax = 3;

export const oncall: Command = {
  name: 'oncall',
  summary: 'Says who is on call, and lets somebody stand in',
  usage: 'sora oncall who|override|overrides|cancel [ID] [flags]',
  flags: {
    ...outputFlag,
    at: { type: 'string', value: 'TIME', help: 'who: at that moment, such as 2026-12-24T18:00:00Z; default now' },
    schedule: { type: 'string', value: 'NAME', help: 'that schedule; override needs it where there are several' },
    person: { type: 'string', value: 'NAME', help: 'override: who stands in' },
    from: { type: 'string', value: 'TIME', help: "override: 2026-12-24T09:00 on the schedule's clock, or a time with its zone; default now" },
    to: { type: 'string', value: 'TIME', help: 'override: the same; its end' },
    for: { type: 'string', value: 'DURATION', help: 'override: how long from its beginning, such as 8h, instead of --to' },
    all: { type: 'boolean', help: 'overrides: those that are over too' },
  },
  examples: ['sora oncall who', 'sora oncall who --at 2026-12-24T18:00:00Z', 'sora oncall override --person second --for 8h', 'sora oncall override --person second --from 2026-12-24T09:00 --to 2026-12-25T09:00', 'sora oncall overrides', 'sora oncall cancel 3f2a9c'],
  details: 'Verbs:\n  who        who is on call, until when, and who follows\n  override   lets somebody stand in\n  overrides  those that hold and those to come\n  cancel ID  takes one back, by its id or four characters of it; one that has begun ends now\n\nRotations and escalation are in alerts/oncall.yaml. An override is kept by the control plane and leaves an event.',
  async run(context, args) {
    const parsed = parseFlags(oncall, args, wordsMax);
    const [verb, ...words] = parsed.positionals;
    const run = verb === undefined || !Object.hasOwn(verbs, verb) ? undefined : verbs[verb];
    if (run === undefined) throw invalidConfig(verb === undefined ? 'sora oncall needs a verb' : `sora oncall has no verb "${verb}"`, suggest(verb ?? '', Object.keys(verbs), 'sora oncall ') ?? `verbs: ${Object.keys(verbs).join(', ')}`);
    if (verb !== 'cancel' && words.length > 0) throw invalidConfig(`sora oncall ${verb} does not take "${words[0]}"`, 'sora oncall --help shows what it takes');
    return run(context, parsed, words);
  },
};

async function who(context: Context, parsed: Parsed): Promise<ExitCode> {
  const output = outputOf(parsed);
  const atMs = timeOf(parsed.text('at'), context.host.clock.nowMs());
  const reply = await controlClient(context, 'viewer').get(`${apiPrefix}/oncall?atMs=${Math.floor(atMs)}`, oncallReply);
  const wanted = parsed.text('schedule');
  const schedules = reply.schedules.filter(({ schedule }) => wanted === undefined || schedule === wanted);
  if (wanted !== undefined && schedules.length === 0) throw invalidConfig(`there is no schedule "${wanted}"`, `schedules: ${reply.schedules.map(({ schedule }) => schedule).join(', ')}`);
  if (output === 'json') context.host.stdout.write(`${JSON.stringify({ schema: 'sora.oncall/v1', atMs: reply.atMs, schedules }, null, 2)}\n`);
  else {
    context.host.stdout.write(renderTable(['SCHEDULE', 'ON CALL', 'NAME', 'BY', 'UNTIL', 'THEN'], schedules.map(({ schedule, person, name, via, untilMs, timeZone, next }) => [schedule, person ?? 'nobody', name, via, untilMs === null ? '-' : localTime(untilMs, timeZone), next])));
  }
  return exitCodes.pass;
}

function localTime(atMs: number, timeZone: string): string {
  return Temporal.Instant.fromEpochMilliseconds(atMs).toZonedDateTimeISO(timeZone).toString({ smallestUnit: 'minute', timeZoneName: 'auto', offset: 'never' });
}

async function override(context: Context, parsed: Parsed): Promise<ExitCode> {
  const output = outputOf(parsed);
  const [person, to, length] = [parsed.text('person'), parsed.text('to'), parsed.text('for')];
  const example = 'for example: sora oncall override --person second --for 8h, or with --from 2026-12-24T09:00 --to 2026-12-25T09:00';
  if (person === undefined || (to === undefined && length === undefined)) throw invalidConfig(`sora oncall override needs ${person === undefined ? '--person' : '--to or --for'}`, example);
  if (to !== undefined && length !== undefined) throw invalidConfig('--to and --for say the end twice', example);
  const client = controlClient(context);
  const { schedules } = await client.get(`${apiPrefix}/oncall`, oncallReply);
  const schedule = chooseSchedule(schedules, parsed.text('schedule'));
  const nowMs = context.host.clock.nowMs();
  const from = parsed.text('from');
  const fromMs = from === undefined ? nowMs : momentOf(from, schedule.timeZone, '--from');
  const toMs = length === undefined ? momentOf(to ?? '', schedule.timeZone, '--to') : fromMs + parseDurationMs(length, '--for');
  const body = { schedule: schedule.schedule, person, fromMs, toMs };
  const made = await client.post(`${apiPrefix}/oncall/overrides`, body, overrideReply);
  context.host.stdout.write(output === 'json' ? `${JSON.stringify({ schema: 'sora.oncall-override/v1', ...made }, null, 2)}\n` : `${made.person} is on call in ${made.schedule} from ${localTime(made.fromMs, schedule.timeZone)} to ${localTime(made.toMs, schedule.timeZone)} (${shortId(made.id)})\n`);
  return exitCodes.pass;
}

async function overrides(context: Context, parsed: Parsed): Promise<ExitCode> {
  const output = outputOf(parsed);
  const { host } = context;
  const client = controlClient(context, 'viewer');
  const [reply, { schedules }] = await Promise.all([client.get(`${apiPrefix}/oncall/overrides`, overridesReply), client.get(`${apiPrefix}/oncall`, oncallReply)]);
  const nowMs = host.clock.nowMs();
  const wanted = parsed.text('schedule');
  const shown = reply.overrides.filter(({ toMs, schedule }) => (parsed.has('all') || toMs > nowMs) && (wanted === undefined || schedule === wanted)).sort((one, other) => one.fromMs - other.fromMs);
  if (output === 'json') {
    host.stdout.write(`${JSON.stringify({ schema: 'sora.oncall-overrides/v1', overrides: shown }, null, 2)}\n`);
    return exitCodes.pass;
  }
  const zoneOf = (name: string): string => schedules.find(({ schedule }) => schedule === name)?.timeZone ?? 'UTC';
  if (shown.length === 0) host.stderr.write('nobody stands in for anybody\n');
  else {
    host.stdout.write(renderTable(['STATE', 'SCHEDULE', 'PERSON', 'FROM', 'TO', 'ID'], shown.map(({ id, schedule, person, fromMs, toMs }) => [toMs <= nowMs ? 'over' : fromMs <= nowMs ? 'active' : 'to come', schedule, person, localTime(fromMs, zoneOf(schedule)), localTime(toMs, zoneOf(schedule)), shortId(id)])));
  }
  return exitCodes.pass;
}

async function cancel(context: Context, parsed: Parsed, words: readonly string[]): Promise<ExitCode> {
  const output = outputOf(parsed);
  const [id, extra] = words;
  if (id === undefined || extra !== undefined) throw invalidConfig(id === undefined ? 'sora oncall cancel needs the id of an override' : `sora oncall cancel does not take "${extra}"`, 'sora oncall overrides lists them');
  const ended = await controlClient(context).delete(`${apiPrefix}/oncall/overrides/${encodeURIComponent(id)}`, overrideReply);
  context.host.stdout.write(output === 'json' ? `${JSON.stringify({ schema: 'sora.oncall-override/v1', ...ended }, null, 2)}\n` : `${ended.person} no longer stands in, in ${ended.schedule}\n`);
  return exitCodes.pass;
}

function chooseSchedule<Schedule extends { readonly schedule: string }>(schedules: readonly Schedule[], wanted: string | undefined): Schedule {
  const names = schedules.map(({ schedule }) => schedule).join(', ');
  const found = wanted === undefined ? (schedules.length === 1 ? schedules[0] : undefined) : schedules.find(({ schedule }) => schedule === wanted);
  if (found === undefined) throw invalidConfig(wanted === undefined ? 'there are several schedules' : `there is no schedule "${wanted}"`, `name one with --schedule: ${names}`);
  return found;
}

/** A time with its zone, or one on the schedule's clock; one that the clock skips or strikes twice is refused. */
function momentOf(text: string, timeZone: string, flag: string): number {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(text)) {
    const atMs = readTime(text);
    if (atMs !== undefined) return atMs;
    throw invalidConfig(`${flag} "${text}" is not a time`, `write 2026-12-24T09:00 for the clock of ${timeZone}, or 2026-12-24T09:00:00Z${flag === '--to' ? '; a length such as 8h is given with --for' : ''}`);
  }
  try {
    return Temporal.PlainDateTime.from(text).toZonedDateTime(timeZone, { disambiguation: 'reject' }).epochMilliseconds;
  } catch (error) {
    throw invalidConfig(`"${text}" is no moment in ${timeZone}, or two of them`, 'write it with its zone, for example 2026-10-25T02:30:00+01:00', error);
  }
}
