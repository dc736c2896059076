/** `alerts/routing.yaml`: Alertmanager's configuration format, version 0.30. */
import { z } from 'zod';
import { messageOf } from '../../core/error.ts';
import type { Matcher } from '../../metricstore/series.ts';
import { duration, flag, labelName, list, matchMap, matcherLines, text, word } from './fields.ts';
import { parsePrometheusDuration } from './duration.ts';
import type { Receiver } from './integration.ts';
import { readReceiver } from './receiver-config.ts';
import { globalSchema, ignoredOf, integrationLists, receiverSchema } from './receiver-schema.ts';
import type { ReceiverConfig } from './receiver-schema.ts';
import { referenceProblems } from './references.ts';
import { buildTree } from './route.ts';
import type { Route, RouteConfig } from './route.ts';
import { timeInterval } from './time-interval.ts';
import type { TimeInterval } from './time-interval.ts';
import { entriesOf, formatPath, itemsOf, problemsError, problemsOf, readYaml } from './yaml-text.ts';
import type { Problem, YamlText, YamlValue } from './yaml-text.ts';

/** Alerts that match the target are held back while one that matches the source fires with equal labels. */
export interface InhibitRule {
  readonly name?: string | undefined;
  readonly source: readonly Matcher[];
  readonly target: readonly Matcher[];
  readonly equal: readonly string[];
}

/** The configuration as it is used. */
export interface RoutingConfig {
  readonly root: Route;
  readonly receivers: readonly Receiver[];
  readonly inhibitRules: readonly InhibitRule[];
  readonly intervals: Readonly<Record<string, readonly TimeInterval[]>>;
  /** After this long without news an alert counts as resolved. Default 5 min. */
  readonly resolveTimeoutMs: number;
  /** What the file has that is read and not used, in words. */
  readonly warnings: readonly string[];
}

interface RawRoute {
  readonly receiver?: string | undefined;
  readonly group_by?: readonly string[] | undefined;
  readonly group_wait?: number | undefined;
  readonly group_interval?: number | undefined;
  readonly repeat_interval?: number | undefined;
  readonly match?: readonly Matcher[] | undefined;
  readonly match_re?: readonly Matcher[] | undefined;
  readonly matchers?: readonly Matcher[] | undefined;
  readonly mute_time_intervals?: readonly string[] | undefined;
  readonly active_time_intervals?: readonly string[] | undefined;
  readonly continue?: boolean | undefined;
  readonly routes?: readonly RawRoute[] | undefined;
}

const notZero = duration.refine((valueMs) => valueMs > 0, { error: 'must not be 0' });
const groupBy = list(labelName, 100)
  .refine((names) => names.length === 1 || !names.includes('...'), { error: "'...' groups by all labels and stands alone" })
  .refine((names) => new Set(names).size === names.length, { error: 'has a label twice' });

const routeSchema: z.ZodType<RawRoute> = z.strictObject({
  receiver: word.optional(),
  group_by: groupBy.optional(),
  group_wait: duration.optional(),
  group_interval: notZero.optional(),
  repeat_interval: notZero.optional(),
  match: matchMap('=').optional(),
  match_re: matchMap('=~').optional(),
  matchers: matcherLines.optional(),
  mute_time_intervals: list(word, 100).optional(),
  active_time_intervals: list(word, 100).optional(),
  continue: flag.optional(),
  get routes() {
    return list(routeSchema).optional();
  },
});

const inhibitSchema = z
  .strictObject({
    name: text.optional(),
    source_match: matchMap('=').optional(),
    source_match_re: matchMap('=~').optional(),
    source_matchers: matcherLines.optional(),
    target_match: matchMap('=').optional(),
    target_match_re: matchMap('=~').optional(),
    target_matchers: matcherLines.optional(),
    equal: list(labelName, 100).optional(),
  })
  .transform((rule): InhibitRule => ({
    name: rule.name,
    source: [...(rule.source_match ?? []), ...(rule.source_match_re ?? []), ...(rule.source_matchers ?? [])],
    target: [...(rule.target_match ?? []), ...(rule.target_match_re ?? []), ...(rule.target_matchers ?? [])],
    equal: rule.equal ?? [],
  }));

const namedIntervals = list(z.strictObject({ name: word, time_intervals: list(timeInterval).optional() }), 200);

const fileSchema = z.strictObject({
  global: globalSchema.optional(),
  route: routeSchema,
  inhibit_rules: list(inhibitSchema, 500).optional(),
  receivers: list(receiverSchema, 500).optional(),
  templates: list(text).optional(),
  mute_time_intervals: namedIntervals.optional(),
  time_intervals: namedIntervals.optional(),
  tracing: z.custom<YamlValue>().optional(),
});

type RawFile = z.infer<typeof fileSchema>;

/**
 * Reads a configuration.
 * @param name of the file, for messages
 * @throws SoraError `invalid_config` with all that is wrong in it, each with its line
 */
export function parseRouting(name: string, source: string): RoutingConfig {
  const yaml = readYaml(name, source);
  const result = fileSchema.safeParse(yaml.value ?? {});
  const references = referenceProblems(yaml.value);
  if (!result.success) throw refuse(name, yaml, [...problemsOf(result.error), ...references, ...integrationProblems(yaml.value)]);
  const file = result.data;
  const global = file.global ?? {};
  const receivers = (file.receivers ?? []).map((config, index) => readReceiver(config, global, index));
  const timeout = readTimeout(global.resolve_timeout);
  const problems = [...timeout.problems, ...receivers.flatMap((receiver) => receiver.problems), ...references];
  if (problems.length > 0) throw refuse(name, yaml, problems);
  return {
    root: buildTree(toRoute(file.route)),
    receivers: receivers.map(({ receiver }) => receiver),
    inhibitRules: file.inhibit_rules ?? [],
    intervals: Object.fromEntries(intervalsOf(file).map(({ name, intervals }) => [name, intervals])),
    resolveTimeoutMs: timeout.valueMs,
    warnings: warningsOf(name, yaml, file),
  };
}

/** What is missing in receivers that are well formed, of a file that is not. */
function integrationProblems(file: YamlValue | undefined): Problem[] {
  const parts = entriesOf(file);
  const global = globalSchema.safeParse(parts['global'] ?? {});
  if (!global.success) return [];
  return itemsOf(parts['receivers']).flatMap((raw, index) => {
    const config = receiverSchema.safeParse(raw);
    return config.success ? readReceiver(config.data, global.data, index).problems : [];
  });
}

function refuse(name: string, yaml: YamlText, problems: readonly Problem[]): Error {
  return problemsError(name, yaml, problems, 'the format is Alertmanager 0.30\u2019s: https://prometheus.io/docs/alerting/latest/configuration/');
}

function readTimeout(text: string | undefined): { valueMs: number; problems: Problem[] } {
  try {
    return { valueMs: parsePrometheusDuration(text ?? '5m'), problems: [] };
  } catch (error) {
    return { valueMs: 0, problems: [{ path: ['global', 'resolve_timeout'], message: messageOf(error) }] };
  }
}

function toRoute(raw: RawRoute): RouteConfig {
  return {
    receiver: raw.receiver,
    // An empty list leaves the grouping of the route above, as in Alertmanager.
    groupBy: raw.group_by === undefined || raw.group_by.length === 0 ? undefined : raw.group_by[0] === '...' ? 'all' : raw.group_by,
    groupWaitMs: raw.group_wait,
    groupIntervalMs: raw.group_interval,
    repeatIntervalMs: raw.repeat_interval,
    matchers: [...(raw.match ?? []), ...(raw.match_re ?? []), ...(raw.matchers ?? [])],
    continues: raw.continue ?? false,
    muteIntervals: raw.mute_time_intervals ?? [],
    activeIntervals: raw.active_time_intervals ?? [],
    routes: (raw.routes ?? []).map(toRoute),
  };
}

function intervalsOf(file: RawFile): { name: string; intervals: readonly TimeInterval[] }[] {
  return [...(file.mute_time_intervals ?? []), ...(file.time_intervals ?? [])].map(({ name, time_intervals: intervals }) => ({ name, intervals: intervals ?? [] }));
}

function warningsOf(name: string, yaml: YamlText, file: RawFile): string[] {
  const say = (path: readonly (string | number)[], words: string): string => `${name}:${yaml.lineOf(path)}: ${formatPath(path)} ${words}`;
  const warnings: string[] = [];
  if ((file.templates ?? []).length > 0) warnings.push(say(['templates'], 'is not used: messages have a form of SORA\u2019s own'));
  if (file.tracing !== undefined) warnings.push(say(['tracing'], 'is not used'));
  const secrets = (path: readonly (string | number)[], config: object): void => {
    for (const [field, value] of Object.entries(config)) if (typeof value === 'string' && /(^api_url|webhook_url|_token|^app_token|password|routing_key|^slack_api_url)$/.test(field)) warnings.push(say([...path, field], 'is a secret written out; put it into a file and name that with _file'));
  };
  secrets(['global'], file.global ?? {});
  (file.receivers ?? []).forEach((receiver: ReceiverConfig, index) => {
    for (const list of Object.keys(integrationLists) as (keyof typeof integrationLists)[]) {
      (receiver[list] ?? []).forEach((config: object, place: number) => {
        secrets(['receivers', index, list, place], config);
        for (const field of ignoredOf(list, config)) warnings.push(say(['receivers', index, list, place, field], 'is not used: messages have a form of SORA\u2019s own'));
      });
    }
  });
  return warnings;
}
