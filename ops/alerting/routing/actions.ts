/** What people do to routing, each as a change of what it remembers. */
import { SoraError, invalidConfig } from '../../core/error.ts';
import type { NewEvent } from '../../core/event-log/event.ts';
import type { Matcher } from '../../metricstore/series.ts';
import { groupIdOf } from '../ack/token.ts';
import type { Override } from '../oncall/schedule.ts';
import { formatMatcher, matchesAll } from './matcher.ts';
import type { Mutation } from './service.ts';
import { silenceEvent } from './silence.ts';
import { ackKey, ackOf, isFiring } from './state.ts';
import type { Ack, Group, Observed, Silence } from './state.ts';
import type { Remembered } from './store.ts';

/** Silences that have not ended, at most. */
export const silencesMax = 1_000;
/** A silence lasts this long at most; who needs more removes the rule. */
export const silenceMaxMs = 30 * 86_400_000;
/** Overrides at most, those that are over included. */
export const overridesMax = 1_000;

export interface NewSilence {
  readonly id: string;
  readonly matchers: readonly Matcher[];
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly author: string;
  readonly comment: string;
}

/** @throws SoraError 400 for one that ends before it starts, lasts too long or would hold back everything */
export function createSilence(before: Remembered, wanted: NewSilence, nowMs: number): Mutation<Silence> {
  const silence: Silence = { ...wanted, createdAtMs: nowMs };
  if (silence.endsAtMs <= Math.max(nowMs, silence.startsAtMs)) throw invalidConfig('a silence must end after it starts, and in the future', 'give a length such as --for 2h');
  if (silence.endsAtMs - silence.startsAtMs > silenceMaxMs) throw invalidConfig(`a silence lasts at most ${silenceMaxMs / 86_400_000} days`, 'make it shorter, or change the rule');
  if (!silence.matchers.some((matcher) => !matchesAll([matcher], {}))) throw invalidConfig(`${silence.matchers.map(formatMatcher).join(' ') || 'no matcher'} would silence every alert`, 'name at least one label with a value, such as alertname=…');
  if (before.state.silences.filter(({ endedAtMs }) => endedAtMs === undefined).length >= silencesMax) throw new SoraError('too_many_silences', `there are ${silencesMax} silences already`, { status: 409, hint: 'end some with sora alerts silence expire' });
  return { after: withSilences(before, [...before.state.silences, silence]), events: [silenceEvent(silence, 'created', silence.author, nowMs)], result: silence };
}

/** Characters of an id that name one. */
const idMin = 4;

/**
 * What an id, or the beginning of one, names.
 * @throws SoraError 404 where it names nothing, 409 where it names several
 */
export function findById<One extends { readonly id: string }>(all: readonly One[], named: string, { what, list }: { readonly what: string; readonly list: string }): One {
  const exact = all.find(({ id }) => id === named);
  if (exact !== undefined) return exact;
  const found = named.length < idMin ? [] : all.filter(({ id }) => id.startsWith(named));
  if (found.length > 1) throw new SoraError('ambiguous', `${JSON.stringify(named)} is the beginning of ${found.length} ${what}s`, { status: 409, hint: 'write more of its id' });
  const [one] = found;
  if (one === undefined) throw new SoraError(`no_${what}`, `there is no ${what} ${named}`, { status: 404, hint: `${list} lists them; four characters of an id do` });
  return one;
}

/** Ends a silence before its time. `named` is its id or the beginning of it. */
export function expireSilence(before: Remembered, named: string, actor: string, nowMs: number): Mutation<Silence> {
  const silence = findById(before.state.silences, named, { what: 'silence', list: 'sora alerts silence ls' });
  const { id } = silence;
  if (silence.endedAtMs !== undefined || silence.endsAtMs <= nowMs) throw new SoraError('silence_over', `the silence ${id} is over already`, { status: 409 });
  const ended: Silence = { ...silence, startsAtMs: Math.min(silence.startsAtMs, nowMs), endsAtMs: nowMs, endedAtMs: nowMs };
  return { after: withSilences(before, before.state.silences.map((one) => (one.id === id ? ended : one))), events: [silenceEvent(ended, 'ended', actor, nowMs)], result: ended };
}

function withSilences(before: Remembered, silences: readonly Silence[]): Remembered {
  return { ...before, state: { ...before.state, silences } };
}

export interface Acknowledgement {
  /** Those that fire among these are taken on. */
  readonly fingerprints: readonly string[];
  readonly by: string;
  readonly via: 'link' | 'cli' | 'dashboard' | 'api';
  /** In this group and no other, as its link may do no more; default: wherever the alerts are told. */
  readonly groupKey?: string | undefined;
  /** Until the alerts resolve where it is not given. */
  readonly forMs?: number | undefined;
}

export interface Acknowledged {
  readonly groups: readonly string[];
  readonly fingerprints: readonly string[];
  /** Who had taken some of these on before, whose acknowledgement this one replaces; once for each person. */
  readonly replaced: readonly { readonly by: string; readonly atMs: number }[];
}

/** Takes firing alerts on: groups all of whose alerts are taken are neither repeated nor escalated. */
export function acknowledge(before: Remembered, { fingerprints, by, via, groupKey, forMs }: Acknowledgement, nowMs: number): Mutation<Acknowledged> {
  const wanted = new Set(fingerprints);
  const groups = Object.values(before.state.groups)
    .filter(({ key }) => groupKey === undefined || key === groupKey)
    .map((group) => ({ group, taken: firingOf(group).filter((fingerprint) => wanted.has(fingerprint)) }))
    .filter(({ taken }) => taken.length > 0);
  const taken = [...new Set(groups.flatMap((one) => one.taken))].sort();
  const earlier = groups.flatMap((one) => one.taken.flatMap((fingerprint) => ackOf(before.state, one.group.key, fingerprint, nowMs) ?? []));
  const replaced = [...new Map(earlier.map(({ by, atMs }) => [by, { by, atMs }])).values()];
  const untilMs = forMs === undefined ? undefined : nowMs + forMs;
  const acks = Object.fromEntries(taken.map((fingerprint): [string, Ack] => {
    const ack = { fingerprint, ...(groupKey === undefined ? {} : { groupKey }), by, atMs: nowMs, ...(untilMs === undefined ? {} : { untilMs }) };
    return [ackKey(ack), ack];
  }));
  return {
    after: { ...before, state: { ...before.state, acks: { ...before.state.acks, ...acks } } },
    events: groups.map(({ group, taken }): NewEvent => ({ atMs: nowMs, actor: by, details: { kind: 'ack', groupKey: group.key.slice(0, 4_000), fingerprints: taken, via } })),
    acknowledged: groups.map(({ group }) => ({ groupKey: group.key, actor: by, atMs: nowMs })),
    result: { groups: groups.map(({ group }) => group.key), fingerprints: taken, replaced },
  };
}

export function firingOf(group: Group): string[] {
  return group.alerts.filter(isFiring).map(({ alert }) => alert.fingerprint);
}

/**
 * The fingerprints a person means: of all alerts of a name, of one alert or of a group by its id, or by the beginning of either.
 * @throws SoraError 404 where nothing that fires is meant, 409 where several are
 */
export function findTarget(observed: Observed, target: string): { readonly fingerprints: readonly string[]; readonly group: Group | undefined } {
  const groups = Object.values(observed.state.groups).filter((group) => firingOf(group).length > 0);
  const firing = groups.flatMap(({ alerts }) => alerts.filter(isFiring).map(({ alert }) => alert));
  const named = firing.filter(({ labels }) => labels['alertname'] === target).map(({ fingerprint }) => fingerprint);
  if (named.length > 0) return { fingerprints: [...new Set(named)], group: undefined };
  const exact = groups.find(({ key }) => key === target);
  const byGroup = exact === undefined ? groups.filter(({ key }) => groupIdOf(key).startsWith(target)) : [exact];
  const alerts = new Set(firing.map(({ fingerprint }) => fingerprint).filter((fingerprint) => fingerprint.startsWith(target)));
  const found = byGroup.length + alerts.size;
  if (target.length < idMin || found === 0) throw new SoraError('nothing_firing', `no firing alert or group is called ${JSON.stringify(target)}`, { status: 404, hint: 'sora alerts ls lists them; name an alert by its name, or one of them by four characters of its id' });
  if (found > 1) throw new SoraError('ambiguous', `${JSON.stringify(target)} means ${found} firing alerts or groups`, { status: 409, hint: 'write more of its id' });
  const [group] = byGroup;
  return { fingerprints: group === undefined ? [...alerts] : firingOf(group), group };
}

/** @throws SoraError 400 for one that ends before it starts or names a person or schedule that is not in the file */
export function addOverride(before: Remembered, observed: { readonly people: Readonly<Record<string, unknown>>; readonly schedules: Readonly<Record<string, unknown>> }, wanted: Omit<Override, 'createdAtMs'>, actor: string, nowMs: number): Mutation<Override> {
  const override: Override = { ...wanted, createdAtMs: nowMs };
  const names = (record: object): string => Object.keys(record).join(', ') || 'there are none';
  if (!Object.hasOwn(observed.people, override.person)) throw invalidConfig(`${JSON.stringify(override.person)} is not one of the people of the on-call file (${names(observed.people)})`, 'add the person there first');
  if (!Object.hasOwn(observed.schedules, override.schedule)) throw invalidConfig(`${JSON.stringify(override.schedule)} is not one of the schedules (${names(observed.schedules)})`, 'name one with --schedule');
  if (override.toMs <= override.fromMs || override.toMs <= nowMs) throw invalidConfig('an override must end after it starts, and in the future', 'give --from and --to');
  // Those long over go, so that the list stays short.
  const kept = before.overrides.filter(({ toMs }) => nowMs - toMs < 90 * 86_400_000);
  if (kept.length >= overridesMax) throw new SoraError('too_many_overrides', `there are ${overridesMax} overrides already`, { status: 409, hint: 'change the rotation in the on-call file' });
  return {
    after: { ...before, overrides: [...kept, override] },
    events: [{ atMs: nowMs, actor, details: { kind: 'oncall-override', schedule: override.schedule, person: override.person, fromMs: override.fromMs, toMs: override.toMs } }],
    result: override,
  };
}

/** Takes an override back: one that has begun ends now. `named` is its id or the beginning of it. */
export function endOverride(before: Remembered, named: string, actor: string, nowMs: number): Mutation<Override> {
  const override = findById(before.overrides, named, { what: 'override', list: 'sora oncall overrides' });
  if (override.toMs <= nowMs) throw new SoraError('override_over', `the override ${override.id} is over already`, { status: 409 });
  const ended: Override = { ...override, fromMs: Math.min(override.fromMs, nowMs), toMs: nowMs };
  const others = before.overrides.filter(({ id }) => id !== override.id);
  return {
    after: { ...before, overrides: override.fromMs < nowMs ? [...others, ended] : others },
    events: [{ atMs: nowMs, actor, details: { kind: 'oncall-override', phase: 'ended', schedule: override.schedule, person: override.person, fromMs: override.fromMs, toMs: nowMs } }],
    result: ended,
  };
}
