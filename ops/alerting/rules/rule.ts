/** Rules as they are evaluated. */
import type { Labels } from '../../metricstore/series.ts';
import type { Expr } from '../../metricstore/promql/expr.ts';
import type { LifecycleRule } from '../lifecycle/state.ts';
import type { Template } from '../template/template.ts';

/** Where a rule is written. */
export interface RulePlace {
  readonly file: string;
  readonly line: number;
}

interface RuleBase {
  readonly place: RulePlace;
  readonly group: string;
  readonly name: string;
  /** As written. */
  readonly expression: string;
  readonly expr: Expr;
  /** Of the group and the rule, whose labels win; templates not expanded. */
  readonly labels: Labels;
}

export interface AlertRule extends RuleBase, LifecycleRule {
  readonly kind: 'alert';
  readonly group: string;
  readonly name: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly labelTemplates: readonly (readonly [string, Template])[];
  readonly annotationTemplates: readonly (readonly [string, Template])[];
}

export interface RecordRule extends RuleBase {
  readonly kind: 'record';
  /** Series that the rule may give; 0 for any number. */
  readonly limit: number;
  readonly queryOffsetMs: number;
}

export type Rule = AlertRule | RecordRule;

export interface RuleGroup {
  readonly place: RulePlace;
  readonly name: string;
  /** Undefined where the file leaves it to the evaluator. */
  readonly intervalMs: number | undefined;
  readonly queryOffsetMs: number;
  readonly limit: number;
  readonly labels: Labels;
  readonly rules: readonly Rule[];
}

/** Names a group as Prometheus does; names of groups are unique only within a file. */
export const groupKey = (group: RuleGroup): string => `${group.place.file};${group.name}`;

/** Something wrong in a file that people wrote. */
export interface Problem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** `alerts/rules/api.yaml:12:7: message`. */
export const renderProblem = ({ file, line, column, message }: Problem): string => `${file}:${line}:${column}: ${message}`;
