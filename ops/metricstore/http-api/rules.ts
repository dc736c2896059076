import { meetsAll } from '../matchers.ts';
import type { Labels } from '../series.ts';
import { invalidParameter, quote } from './parameters.ts';
import type { Parameters } from './parameters.ts';

interface ApiRule {
  readonly type: 'alerting' | 'recording';
  readonly name: string;
  readonly labels: Labels;
  readonly alerts?: readonly unknown[];
}

interface ApiGroup {
  readonly name: string;
  readonly file: string;
  readonly rules: readonly ApiRule[];
}

/** `data` of `/rules`, whoever describes the rules. */
export interface ApiRules {
  readonly groups: readonly ApiGroup[];
}

const truths = new Map([['1', true], ['t', true], ['T', true], ['true', true], ['TRUE', true], ['True', true], ['0', false], ['f', false], ['F', false], ['false', false], ['FALSE', false], ['False', false]]);

/** What of all rules the parameters `type`, `rule_name[]`, `rule_group[]`, `file[]`, `match[]` and `exclude_alerts` leave. */
export function filterRules({ groups }: ApiRules, parameters: Parameters): ApiRules {
  const matcherLists = parameters.selectors();
  const type = parameters.text('type').toLowerCase();
  if (type !== '' && type !== 'alert' && type !== 'record') throw invalidParameter('type', `not supported value ${quote(type)}`);
  const withoutAlerts = readTruth(parameters.text('exclude_alerts'));
  const isAmong = (name: string, value: string): boolean => parameters.list(name).length === 0 || parameters.list(name).includes(value);
  const isWanted = (rule: ApiRule): boolean =>
    (type === '' || (type === 'alert') === (rule.type === 'alerting')) && isAmong('rule_name[]', rule.name)
    && (matcherLists.length === 0 || matcherLists.some((matchers) => meetsAll(rule.labels, matchers)));
  return {
    groups: groups
      .filter(({ name, file }) => isAmong('rule_group[]', name) && isAmong('file[]', file))
      .map((group) => ({ ...group, rules: group.rules.filter(isWanted).map((rule) => (withoutAlerts && rule.type === 'alerting' ? { ...rule, alerts: [] } : rule)) }))
      .filter(({ rules }) => rules.length > 0),
  };
}

function readTruth(text: string): boolean {
  if (text === '') return false;
  const found = truths.get(text);
  if (found === undefined) throw invalidParameter('exclude_alerts', `error converting exclude_alerts: strconv.ParseBool: parsing ${quote(text)}: invalid syntax`);
  return found;
}
