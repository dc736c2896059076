import { formatMeasured } from './format.ts';
import { markup } from './markup.ts';
import type { Markup } from './markup.ts';
import type { Summary } from './summary-schema.ts';

interface Case {
  readonly group: 'verdict' | 'thresholds' | 'audit' | 'baseline' | 'validity';
  readonly name: string;
  /** undefined: passed. `error` is for what could not be judged. */
  readonly problem?: { readonly as: 'failure' | 'error'; readonly message: string };
}

/** The run for CI: its verdict, and one case per threshold, audit and validity item. */
export function renderJunit(summary: Summary): string {
  const cases = [verdictCase(summary), ...thresholdCases(summary), ...auditCases(summary), ...baselineCases(summary), ...validityCases(summary)];
  const groups = [...Map.groupBy(cases, (item) => item.group)];
  const timeS = Math.max(0, (Date.parse(summary.endedAt) - Date.parse(summary.startedAt)) / 1_000);
  const totals = (items: readonly Case[]): Markup => {
    const count = (as: 'failure' | 'error'): number => items.filter((item) => item.problem?.as === as).length;
    return markup`tests="${items.length}" failures="${count('failure')}" errors="${count('error')}"`;
  };
  return markup`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="sora load ${summary.scenario}" ${totals(cases)} time="${timeS}">
${groups.map(([group, items]) => markup`<testsuite name="${summary.scenario}.${group}" ${totals(items)} time="${timeS}" timestamp="${summary.startedAt}">
${items.map((item) => renderCase(summary.scenario, item))}</testsuite>
`)}</testsuites>
`.text;
}

function renderCase(scenario: string, { group, name, problem }: Case): Markup {
  if (problem === undefined) return markup`<testcase classname="${scenario}.${group}" name="${name}" time="0"/>\n`;
  const body = problem.as === 'failure'
    ? markup`<failure message="${problem.message}" type="${group}"/>`
    : markup`<error message="${problem.message}" type="${group}"/>`;
  return markup`<testcase classname="${scenario}.${group}" name="${name}" time="0">${body}</testcase>\n`;
}

/** A run can fail or prove nothing for reasons that no other case has, such as a threshold that ended it or shares that began apart, and pass with a teardown that failed. */
function verdictCase({ verdict, reasons }: Summary): Case {
  const name = 'the run passed';
  if (verdict === 'pass' && reasons.length === 0) return { group: 'verdict', name };
  return { group: 'verdict', name, problem: { as: verdict === 'fail' ? 'failure' : 'error', message: reasons.join('; ') } };
}

function thresholdCases(summary: Summary): Case[] {
  return summary.thresholds.map((row) => {
    const message = `measured ${formatMeasured(row.metric, row.measured, row.expression)}`;
    const problem = row.ok === true ? {} : { problem: { as: row.ok === null ? ('error' as const) : ('failure' as const), message } };
    return { group: 'thresholds', name: row.expression, ...problem };
  });
}

function auditCases({ audit }: Summary): Case[] {
  if (audit === null) return [];
  const failure = (bad: boolean, message: string): Pick<Case, 'problem'> => (bad ? { problem: { as: 'failure', message } } : {});
  const ids = (finding: string): string =>
    audit.differences.filter((row) => row.finding === finding).slice(0, 20).map((row) => row.writeId).join(', ');
  const ledger: Pick<Case, 'problem'> = audit.ledgerBalanced === null
    ? { problem: { as: 'error', message: 'the ledger could not be read' } }
    : failure(!audit.ledgerBalanced, 'debits and credits differ');
  return [
    { group: 'audit', name: 'no acknowledged write lost', ...failure(audit.lost > 0, `${audit.lost} lost: ${ids('lost')}`) },
    { group: 'audit', name: 'no write duplicated', ...failure(audit.duplicated > 0, `${audit.duplicated} duplicated: ${ids('duplicated')}`) },
    { group: 'audit', name: 'ledger balanced', ...ledger },
    ...(audit.incomplete === undefined ? [] : [{ group: 'audit', name: 'audit complete', problem: { as: 'error', message: audit.incomplete } } as const]),
  ];
}

function baselineCases({ comparison }: Summary): Case[] {
  if (comparison === undefined) return [];
  const { verdict, sentence } = comparison;
  const as = verdict === 'worse' ? 'failure' : 'error';
  return [{ group: 'baseline', name: 'not worse than the baseline', ...(verdict === 'better' || verdict === 'same' ? {} : { problem: { as, message: sentence } }) }];
}

function validityCases(summary: Summary): Case[] {
  const items: Case[] = summary.validity.map((item) => ({
    group: 'validity', name: item.name, ...(item.ok ? {} : { problem: { as: 'failure', message: item.text } }),
  }));
  if (summary.partition !== undefined && summary.partition.count > 1) {
    items.push({ group: 'validity', name: 'all shares', problem: { as: 'error', message: `one share of ${summary.partition.count}` } });
  }
  if (summary.reasons.includes('interrupted')) items.push({ group: 'validity', name: 'not interrupted', problem: { as: 'error', message: 'stopped by a signal' } });
  return items;
}
