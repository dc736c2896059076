import { Temporal } from 'temporal-polyfill';
import { apiPrefix, controlClient } from '../control/client.ts';
import { exitCodes, invalidConfig } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import { oncallReply, overrideReply } from '../alerting/routing/api.ts';
import { timeOf } from './alerts-route.ts';
import type { Command, Context, Parsed } from './command.ts';
import { outputFlag, outputOf, parseFlags, suggest } from './command.ts';
import { renderTable } from './table.ts';

const verbs: Readonly<Record<string, (context: Context, parsed: Parsed) => Promise<ExitCode>>> = { who, override };

export const oncall: Command = {
  name: 'oncall',
  summary: 'Says who is on call, and lets somebody stand in',
  usage: 'sora oncall who|override [flags]',
  flags: {
    ...outputFlag,
    at: { type: 'string', value: 'TIME', help: 'who: at that moment, such as 2026-12-24T18:00:00Z; default now' },
    schedule: { type: 'string', value: 'NAME', help: 'that schedule; override needs it where there are several' },
    person: { type: 'string', value: 'NAME', help: 'override: who stands in' },
    from: { type: 'string', value: 'TIME', help: "override: 2026-12-24T09:00 on the schedule's clock, or a time with its zone; default now" },
    to: { type: 'string', value: 'TIME', help: 'override: the same; its end' },
  },
  examples: ['sora oncall who', 'sora oncall who --at 2026-12-24T18:00:00Z', 'sora oncall override --person second --from 2026-12-24T09:00 --to 2026-12-25T09:00'],
  details: 'Rotations and escalation are in alerts/oncall.yaml. An override is kept by the control plane and leaves an event.',
  async run(context, args) {
    const parsed = parseFlags(oncall, args, 1);
    const [verb] = parsed.positionals;
    const run = verb === undefined || !Object.hasOwn(verbs, verb) ? undefined : verbs[verb];
    if (run === undefined) throw invalidConfig(verb === undefined ? 'sora oncall needs a verb' : `sora oncall has no verb "${verb}"`, suggest(verb ?? '', Object.keys(verbs), 'sora oncall ') ?? `verbs: ${Object.keys(verbs).join(', ')}`);
    return run(context, parsed);
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
  const [person, to] = [parsed.text('person'), parsed.text('to')];
  if (person === undefined || to === undefined) throw invalidConfig(`sora oncall override needs ${person === undefined ? '--person' : '--to'}`, 'for example: sora oncall override --person second --from 2026-12-24T09:00 --to 2026-12-25T09:00');
  const client = controlClient(context);
  const { schedules } = await client.get(`${apiPrefix}/oncall`, oncallReply);
  const schedule = chooseSchedule(schedules, parsed.text('schedule'));
  const nowMs = context.host.clock.nowMs();
  const from = parsed.text('from');
  const body = { schedule: schedule.schedule, person, fromMs: from === undefined ? nowMs : momentOf(from, schedule.timeZone), toMs: momentOf(to, schedule.timeZone) };
  const made = await client.post(`${apiPrefix}/oncall/overrides`, body, overrideReply);
  context.host.stdout.write(output === 'json' ? `${JSON.stringify({ schema: 'sora.oncall-override/v1', ...made }, null, 2)}\n` : `${made.person} is on call in ${made.schedule} from ${localTime(made.fromMs, schedule.timeZone)} to ${localTime(made.toMs, schedule.timeZone)}\n`);
  return exitCodes.pass;
}

function chooseSchedule<Schedule extends { readonly schedule: string }>(schedules: readonly Schedule[], wanted: string | undefined): Schedule {
  const names = schedules.map(({ schedule }) => schedule).join(', ');
  const found = wanted === undefined ? (schedules.length === 1 ? schedules[0] : undefined) : schedules.find(({ schedule }) => schedule === wanted);
  if (found === undefined) throw invalidConfig(wanted === undefined ? 'there are several schedules' : `there is no schedule "${wanted}"`, `name one with --schedule: ${names}`);
  return found;
}

/** A time with its zone, or one on the schedule's clock; one that the clock skips or strikes twice is refused. */
function momentOf(text: string, timeZone: string): number {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(text)) return timeOf(text, 0);
  try {
    return Temporal.PlainDateTime.from(text).toZonedDateTime(timeZone, { disambiguation: 'reject' }).epochMilliseconds;
  } catch (error) {
    throw invalidConfig(`"${text}" is no moment in ${timeZone}, or two of them`, 'write it with its zone, for example 2026-10-25T02:30:00+01:00', error);
  }
}
