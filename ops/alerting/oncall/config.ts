/** `alerts/oncall.yaml`: people, schedules, and by which policy they are paged. */
import { z } from 'zod';
import { severities } from '../alert.ts';
import { duration, list, whole, word } from '../routing/fields.ts';
import type { Contact } from '../routing/integration.ts';
import { expandText } from '../routing/environment.ts';
import { timeInterval, timeZone } from '../routing/time-interval.ts';
import { entriesOf, itemsOf, problemsError, problemsOf, readYaml, textOf } from '../routing/yaml-text.ts';
import type { Problem, YamlValue } from '../routing/yaml-text.ts';
import type { Policies, Policy, PolicyStep } from './policy.ts';
import { whoIsNext, whoIsOnCall } from './schedule.ts';
import type { Layer, Override, Schedule } from './schedule.ts';

export interface Person extends Contact {
  readonly id: string;
  readonly name: string;
}

/** Whom a step pages: a person, or whoever is on call in a schedule, or so many places after. */
export interface OncallStep extends PolicyStep {
  readonly person?: string | undefined;
  readonly schedule?: string | undefined;
  readonly next: number;
}

export interface OncallPolicy extends Policy {
  readonly steps: readonly OncallStep[];
}

export interface OncallConfig {
  readonly people: Readonly<Record<string, Person>>;
  readonly schedules: Readonly<Record<string, Schedule>>;
  readonly policies: Readonly<Record<string, OncallPolicy>>;
}

const name = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'is not a name of small letters, digits, . _ and -');
const localTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'is not a time such as 09:00');
const localDate = z.iso.date('is not a date such as 2026-01-05');

const person = z.strictObject({ name: word.optional(), email: word.optional(), phone: word.optional() });

const layer = z
  .strictObject({
    name: word.optional(),
    rotation: z.enum(['daily', 'weekly'], { error: 'must be daily or weekly' }),
    every: whole(1, 52).optional(),
    start: localDate,
    handover: localTime,
    people: list(name, 100).min(1, 'names nobody'),
    hours: list(timeInterval, 20).optional(),
  });

const schedule = z.strictObject({ time_zone: timeZone, layers: list(layer, 20).min(1, 'has no layer') });

const step = z
  .strictObject({ person: name.optional(), schedule: name.optional(), next: whole(0, 20).optional(), after: duration.optional() })
  .refine(({ person: one, schedule: other }) => (one === undefined) !== (other === undefined), { error: 'names either a person or a schedule' });

const policy = z.strictObject({
  severities: list(z.enum(severities, { error: `must be one of ${severities.join(', ')}` })).optional(),
  steps: list(step, 20).min(1, 'has no step'),
  rounds: whole(1, 20).optional(),
});

const fileSchema = z.strictObject({
  people: z.record(name, person),
  schedules: z.record(name, schedule),
  policies: z.record(name, policy),
});

type RawFile = z.infer<typeof fileSchema>;

/** A person goes unacknowledged this long before the next is paged. */
const stepAfterMs = 300_000;

/**
 * @param file name, for messages
 * @param env for `${NAME}` in the addresses of people; one that is not set leaves the address out
 * @throws SoraError `invalid_config` with all that is wrong
 */
export function parseOncall(file: string, source: string, env: Readonly<Record<string, string | undefined>>): OncallConfig {
  const yaml = readYaml(file, source);
  const result = fileSchema.safeParse(yaml.value ?? {});
  const problems = [...(result.success ? [] : problemsOf(result.error)), ...findProblems(yaml.value)];
  if (!result.success || problems.length > 0) throw problemsError(file, yaml, problems, 'docs/alerting.md describes the file');
  return toConfig(result.data, env);
}

/** Names that stand nowhere, as the text has them: said beside what is wrong in the form of the file. */
function findProblems(file: YamlValue | undefined): Problem[] {
  const problems: Problem[] = [];
  const { people, schedules, policies } = entriesOf(file);
  const known = (names: YamlValue | undefined, value: YamlValue | undefined, what: string, path: Problem['path']): void => {
    const id = textOf(value);
    const all = Object.keys(entriesOf(names));
    if (id !== undefined && !all.includes(id)) problems.push({ path, message: `${JSON.stringify(id)} is not one of ${what} (${all.join(', ') || 'there are none'})` });
  };
  for (const [id, schedule] of Object.entries(entriesOf(schedules))) {
    itemsOf(entriesOf(schedule)['layers']).forEach((layer, index) => {
      const { people: names, hours } = entriesOf(layer);
      itemsOf(names).forEach((person, place) => known(people, person, 'people', ['schedules', id, 'layers', index, 'people', place]));
      if (itemsOf(hours).some((interval) => entriesOf(interval)['location'] !== undefined)) problems.push({ path: ['schedules', id, 'layers', index, 'hours'], message: 'have the time zone of their schedule; leave location out' });
    });
  }
  for (const [id, policy] of Object.entries(entriesOf(policies))) {
    itemsOf(entriesOf(policy)['steps']).forEach((step, index) => {
      const { person, schedule } = entriesOf(step);
      known(people, person, 'people', ['policies', id, 'steps', index, 'person']);
      known(schedules, schedule, 'schedules', ['policies', id, 'steps', index, 'schedule']);
    });
  }
  return problems;
}

function toConfig(file: RawFile, env: Readonly<Record<string, string | undefined>>): OncallConfig {
  const address = (text: string | undefined): string | undefined => {
    const expanded = text === undefined ? undefined : expandText(text, env);
    return expanded === undefined || expanded.missing.length > 0 ? undefined : expanded.text;
  };
  const map = <Value, Result>(record: Readonly<Record<string, Value>>, make: (value: Value, id: string) => Result): Record<string, Result> =>
    Object.fromEntries(Object.entries(record).map(([id, value]) => [id, make(value, id)]));
  return {
    people: map(file.people, ({ name, email, phone }, id) => ({ id, name: name ?? id, email: address(email), phone: address(phone) })),
    schedules: map(file.schedules, ({ time_zone: timeZone, layers }, name) => ({ name, timeZone, layers: layers.map(toLayer) })),
    policies: map(file.policies, (policy, name) => ({
      name,
      severities: policy.severities ?? ['critical' as const],
      rounds: policy.rounds ?? 1,
      steps: policy.steps.map(({ person, schedule, next, after }) => ({ person, schedule, next: next ?? 0, afterMs: after ?? stepAfterMs })),
    })),
  };
}

function toLayer(raw: RawFile['schedules'][string]['layers'][number], index: number): Layer {
  const [first = '', ...others] = raw.people;
  return {
    name: raw.name ?? `layer ${index + 1}`,
    people: [first, ...others],
    shiftDays: (raw.rotation === 'weekly' ? 7 : 1) * (raw.every ?? 1),
    startDate: raw.start,
    handoverTime: raw.handover,
    hours: raw.hours ?? [],
  };
}

/** The file and its overrides, as routing asks them. */
export function createPolicies(config: OncallConfig, overrides: readonly Override[]): Policies {
  return {
    find: (name) => config.policies[name],
    personAt(policy, index, atMs) {
      const step = config.policies[policy]?.steps[index];
      if (step === undefined || step.person !== undefined) return step?.person;
      const schedule = config.schedules[step.schedule ?? ''];
      if (schedule === undefined) return undefined;
      return step.next === 0 ? whoIsOnCall(schedule, overrides, atMs)?.person : whoIsNext(schedule, overrides, atMs, step.next);
    },
    contactOf: (person) => config.people[person],
  };
}
