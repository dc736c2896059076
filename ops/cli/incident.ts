import { SoraError, exitCodes, invalidConfig } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import { formatDuration } from '../core/duration.ts';
import { apiPrefix, controlClient } from '../control/client.ts';
import { incidentDetailReply, incidentReply, incidentsReply, markedReply, postmortemReply } from '../incidents/api.ts';
import type { IncidentReply, TimesReply } from '../incidents/api.ts';
import type { Command, Context, Parsed } from './command.ts';
import { outputFlag, outputOf, parseFlags, suggest } from './command.ts';
import { formatAge, renderTable } from './table.ts';

const verbs = ['ls', 'show', 'note', 'mitigate', 'resolve', 'postmortem'] as const;
const states = incidentReply.shape.state.options;

export const incident: Command = {
  name: 'incident',
  summary: 'Lists incidents, marks them, drafts postmortems',
  usage: 'sora incident ls|show|note|mitigate|resolve|postmortem [ID] [TEXT] [flags]',
  flags: {
    ...outputFlag,
    days: { type: 'string', value: 'DAYS', help: 'how far ls looks back; default 90' },
    state: { type: 'string', value: 'open|mitigated|resolved', help: 'only those, for ls' },
    'no-rehearsals': { type: 'boolean', help: 'leaves out those of load runs and drills, for ls' },
    force: { type: 'boolean', help: 'resolve: also while alerts of it fire; the next incident takes those' },
    write: { type: 'string', value: 'FILE', help: 'writes the postmortem there instead of to standard output' },
  },
  examples: ['sora incident ls --state open', 'sora incident show inc-1042', "sora incident note inc-1042 'rolled api back to 1.4.1'", 'sora incident postmortem inc-1042 --write postmortem.md'],
  details: 'Incidents are computed from the event log: a firing critical or high alert opens one or joins an open one of the\nsame service, of the same fault or within five minutes. Times are given as median and 90th percentile with their number.',
  async run(context, args) {
    const parsed = parseFlags(incident, args, 3);
    const [verb, id, text] = parsed.positionals;
    if (verb === undefined) throw invalidConfig('sora incident needs a verb', `verbs: ${verbs.join(', ')}`);
    switch (verb) {
      case 'ls': return list(context, parsed);
      case 'show': return show(context, parsed, needId(id, verb));
      case 'postmortem': return postmortem(context, parsed, needId(id, verb));
      case 'note': return mark(context, parsed, needId(id, verb), 'notes', needText(text));
      case 'mitigate': return mark(context, parsed, needId(id, verb), verb, text);
      case 'resolve': return mark(context, parsed, needId(id, verb), verb, text, parsed.has('force') ? { force: true } : {});
      default: throw invalidConfig(`sora incident has no verb "${verb}"`, suggest(verb, verbs, 'sora incident ') ?? `verbs: ${verbs.join(', ')}`);
    }
  },
};

async function list(context: Context, parsed: Parsed): Promise<ExitCode> {
  const output = outputOf(parsed);
  const [days, state] = [parsed.text('days'), parsed.text('state')];
  if (state !== undefined && !states.some((known) => known === state)) throw invalidConfig(`--state "${state}" is none of ${states.join(', ')}`, suggest(state, states, '--state ') ?? `for example: --state ${states[0]}`);
  const query = new URLSearchParams({ ...(days === undefined ? {} : { days }), ...(state === undefined ? {} : { state }), ...(parsed.has('no-rehearsals') ? { rehearsals: 'false' } : {}) });
  const reply = await controlClient(context, 'viewer').get(`${apiPrefix}/incidents?${query}`, incidentsReply);
  const { stdout, stderr } = context.host;
  if (reply.cutEvents > 0) stderr.write(`the oldest ${reply.cutEvents} events of the span were left out, as too many to read; --days asks for fewer\n`);
  if (output === 'json') {
    stdout.write(`${JSON.stringify({ schema: 'sora.incidents/v1', ...reply }, null, 2)}\n`);
    return exitCodes.pass;
  }
  if (reply.incidents.length === 0) context.host.stderr.write('no incidents\n');
  else stdout.write(renderTable(['ID', 'STATE', 'SEVERITY', 'SERVICES', 'AGE', 'ACKED BY', 'RESOLVED AFTER', 'REHEARSAL', 'TITLE'], reply.incidents.map((one) => row(context, one))));
  stdout.write(renderTimes('incidents', reply.times.real));
  if (reply.times.rehearsal.detectMs.n > 0) stdout.write(renderTimes('rehearsals', reply.times.rehearsal));
  return exitCodes.pass;
}

function row(context: Context, one: IncidentReply): (string | number | null)[] {
  return [one.id, one.state, one.severity, one.services.join(','), formatAge(context.host, new Date(one.startedAtMs).toISOString()), one.acknowledgedBy, span(one.resolveMs), one.rehearsalId, one.title];
}

const span = (ms: number | null): string | null => (ms === null ? null : formatDuration(ms));

/** Distributions, each with its number; a mean would hide the long ones. */
function renderTimes(what: string, times: TimesReply): string {
  const rows = ([['detect', times.detectMs], ['acknowledge', times.acknowledgeMs], ['mitigate', times.mitigateMs], ['resolve', times.resolveMs]] as const).map(([name, { n, median, p90, longest }]) => [name, n, span(median), span(p90), span(longest)]);
  return `\n${renderTable([`TIME TO (${what})`, 'N', 'MEDIAN', 'P90', 'LONGEST'], rows)}`;
}

async function show(context: Context, parsed: Parsed, id: string): Promise<ExitCode> {
  const output = outputOf(parsed);
  const reply = await controlClient(context, 'viewer').get(`${apiPrefix}/incidents/${id}`, incidentDetailReply);
  const { stdout, stderr } = context.host;
  if (reply.cutEvents > 0) stderr.write(`the oldest ${reply.cutEvents} events were left out, as too many to read\n`);
  if (output === 'json') {
    stdout.write(`${JSON.stringify({ schema: 'sora.incident/v1', ...reply }, null, 2)}\n`);
    return exitCodes.pass;
  }
  const one = reply.incident;
  const time = (atMs: number | null): string | null => (atMs === null ? null : new Date(atMs).toISOString());
  const marks: readonly [string, number | null, number | null][] = [['started', one.startedAtMs, null], ['detected', one.detectedAtMs, one.detectMs], ['acknowledged', one.acknowledgedAtMs, one.acknowledgeMs], ['mitigated', one.mitigatedAtMs, one.mitigateMs], ['resolved', one.resolvedAtMs, one.resolveMs]];
  stdout.write(`${one.id} ${one.severity} ${one.state}: ${one.title}\n${one.rehearsalId === null ? '' : `rehearsal ${one.rehearsalId}\n`}\n`);
  stdout.write(`${renderTable(['MARK', 'AT', 'AFTER'], marks.map(([name, atMs, afterMs]) => [name, time(atMs), span(afterMs)]))}\n`);
  stdout.write(`${renderTable(['ALERT', 'SEVERITY', 'JOINED BY', 'TIMES', 'FIRED', 'RESOLVED'], one.alerts.map((alert) => [alert.rule, alert.severity, alert.joinedBy, alert.firings, time(alert.firedAtMs), time(alert.resolvedAtMs)]))}\n`);
  stdout.write(renderTable(['TIME', 'WHO', 'WHAT'], reply.timeline.map(({ atMs, actor, text }) => [time(atMs), actor, text])));
  return exitCodes.pass;
}

async function mark(context: Context, parsed: Parsed, id: string, path: string, text: string | undefined, more: { readonly force?: true } = {}): Promise<ExitCode> {
  const output = outputOf(parsed);
  const reply = await controlClient(context).post(`${apiPrefix}/incidents/${id}/${path}`, { ...(text === undefined ? {} : { text }), ...more }, markedReply);
  context.host.stdout.write(output === 'json' ? `${JSON.stringify({ schema: 'sora.incident/v1', ...reply }, null, 2)}\n` : path === 'notes' ? `noted in ${reply.incident.id}, which is ${reply.incident.state}\n` : `${reply.incident.id} is ${reply.incident.state}\n`);
  return exitCodes.pass;
}

async function postmortem(context: Context, parsed: Parsed, id: string): Promise<ExitCode> {
  const output = outputOf(parsed);
  const file = parsed.text('write');
  const { markdown } = await controlClient(context, 'viewer').get(`${apiPrefix}/incidents/${id}/postmortem`, postmortemReply);
  if (file !== undefined) {
    // A draft that somebody has worked on is worth more than a fresh one.
    if (!context.host.files.createText(file, markdown)) throw new SoraError('file_exists', `${file} is there already`, { hint: 'give --write another name, or remove it' });
    context.host.stderr.write(`wrote ${file}\n`);
  } else context.host.stdout.write(output === 'json' ? `${JSON.stringify({ schema: 'sora.postmortem/v1', id, markdown })}\n` : markdown);
  return exitCodes.pass;
}

function needId(id: string | undefined, verb: string): string {
  if (id === undefined) throw invalidConfig(`sora incident ${verb} needs the id of an incident`, 'sora incident ls lists them');
  if (!/^inc-\d{1,15}$/.test(id)) throw invalidConfig(`"${id.slice(0, 50)}" is no id of an incident`, 'ids look like inc-1042; sora incident ls lists them');
  return id;
}

function needText(text: string | undefined): string {
  if (text === undefined || text.trim() === '') throw invalidConfig('sora incident note needs a text', "for example: sora incident note inc-1042 'rolled back'");
  return text;
}
