/**
 * Runs unit tests of rules as promtool does (cmd/promtool/unittest.go): rules are evaluated at every interval from the
 * start to the last time that is asked for, each time with the samples that had come by then.
 */
import { dirname, isAbsolute, join } from 'node:path';
import { messageOf } from '../../core/error.ts';
import type { Files } from '../../core/host.ts';
import { MemorySource } from '../../metricstore/memory-source.ts';
import { parseMetricNotation, parseSeriesNotation } from '../../metricstore/promqltest/series-notation.ts';
import type { SeriesNotation } from '../../metricstore/promqltest/series-notation.ts';
import type { Labels } from '../../metricstore/series.ts';
import { seriesKey } from '../lifecycle/samples.ts';
import { emptyState } from '../lifecycle/state.ts';
import type { RuleSample, RuleState } from '../lifecycle/state.ts';
import { evaluateRule } from '../rules/evaluate-rule.ts';
import type { EvaluationWorld } from '../rules/evaluate-rule.ts';
import { globFiles, loadRules } from '../rules/load-rules.ts';
import { queryVector } from '../rules/query.ts';
import { renderProblem } from '../rules/rule.ts';
import type { Rule, RuleGroup } from '../rules/rule.ts';
import { alertMismatch, formatSpan, goQuoted, sampleMismatch } from './compare.ts';
import { parseRuleTests } from './test-file.ts';
import type { RuleTest, RuleTestFile } from './test-file.ts';

/** What came of one file. */
export interface RuleTestResult {
  readonly file: string;
  readonly warnings: readonly string[];
  /** Empty where every test passed. */
  readonly failures: readonly string[];
  readonly testCount: number;
}

export interface RuleTestOptions {
  /** Runs only tests whose name this finds. */
  readonly run?: RegExp | undefined;
}

/** Runs one file; whatever is wrong with it is a failure, nothing is thrown. */
export async function runRuleTests(files: Files, path: string, options: RuleTestOptions = {}): Promise<RuleTestResult> {
  const failed = (...failures: string[]): RuleTestResult => ({ file: path, warnings: [], failures, testCount: 0 });
  let text: string;
  try {
    text = files.readText(path);
  } catch (error) {
    return failed(messageOf(error));
  }
  const { tests: file, problems } = parseRuleTests(path, text);
  if (problems.length > 0) return failed(...problems.map(renderProblem));
  const warnings: string[] = [];
  const ruleFiles = file.ruleFiles.flatMap((pattern) => {
    const found = globFiles(files, isAbsolute(pattern) ? pattern : join(dirname(path), pattern));
    if (found.length === 0) warnings.push(`  WARNING: no file match pattern ${pattern}`);
    return found;
  });
  const chosen = file.tests.filter(({ name }) => options.run === undefined || options.run.test(name));
  const failures: string[] = [];
  for (const test of chosen) {
    const loaded = loadRules(files, ruleFiles);
    if (loaded.problems.length > 0) failures.push(...loaded.problems.map(renderProblem));
    else failures.push(...(await new TestRun(file, test, loaded.groups).run()));
  }
  return { file: path, warnings, failures, testCount: chosen.length };
}

/** Evaluations of one test, as promtool has no bound and would run for hours. */
const evaluationsMax = 200_000;

class TestRun {
  readonly #file: RuleTestFile;
  readonly #test: RuleTest;
  readonly #groups: readonly RuleGroup[];
  readonly #source = new MemorySource();
  readonly #states = new Map<Rule, RuleState>();
  #pending: { readonly notation: SeriesNotation; next: number }[] = [];

  constructor(file: RuleTestFile, test: RuleTest, groups: readonly RuleGroup[]) {
    this.#file = file;
    this.#test = test;
    const order = new Map(file.groupOrder.map((name, at) => [name, at]));
    this.#groups = groups.toSorted((a, b) => (order.get(a.name) ?? 0) - (order.get(b.name) ?? 0));
  }

  async run(): Promise<string[]> {
    const { startMs, alertTests, exprTests } = this.#test;
    try {
      this.#pending = this.#test.inputSeries.map(({ series, values }) => ({ notation: readInput(series, values), next: 0 }));
    } catch (error) {
      return [messageOf(error)];
    }
    const failures: string[] = [];
    const stepMs = this.#file.evaluationIntervalMs;
    const spanMs = Math.max(0, ...alertTests.map((each) => each.evalTimeMs), ...exprTests.map((each) => each.evalTimeMs));
    if (spanMs / stepMs > evaluationsMax) return [`${Math.floor(spanMs / stepMs)} evaluations are more than ${evaluationsMax}; ask for an earlier eval_time or a longer evaluation_interval`];
    for (let sinceMs = 0; sinceMs <= spanMs; sinceMs += stepMs) {
      this.#load(startMs + sinceMs);
      const errors = await this.#evaluate(startMs + sinceMs);
      failures.push(...errors);
      if (errors.length > 0) return failures;
      failures.push(...this.#checkAlerts(sinceMs, stepMs));
    }
    for (const test of exprTests) failures.push(...(await this.#checkExpression(test)));
    return failures;
  }

  /** Lets the samples in that have come by now: neither an offset nor `@` may see what is to come. */
  #load(nowMs: number): void {
    for (const series of this.#pending) {
      const { labels, values } = series.notation;
      for (; series.next < values.length; series.next++) {
        const atMs = this.#test.startMs + series.next * this.#test.intervalMs;
        if (atMs > nowMs) break;
        const value = values[series.next];
        if (value?.kind === 'float') this.#source.add(labels, atMs, value.value);
        if (value?.kind === 'stale') this.#source.addStale(labels, atMs);
      }
    }
  }

  get #world(): EvaluationWorld {
    const { externalLabels, externalUrl } = this.#test;
    return { source: this.#source, externalLabels, externalUrl, query: { subqueryStepMs: this.#file.evaluationIntervalMs } };
  }

  async #evaluate(nowMs: number): Promise<string[]> {
    const errors: string[] = [];
    for (const group of this.#groups) {
      const written = new Set<string>();
      for (const rule of group.rules) {
        const { state, samples } = await evaluateRule(rule, this.#states.get(rule) ?? emptyState, this.#world, nowMs);
        this.#states.set(rule, state);
        for (const sample of samples) this.#append(sample, written);
      }
      for (const rule of group.rules) {
        const error = this.#states.get(rule)?.error;
        if (error !== undefined) errors.push(`    rule: ${rule.name}, time: ${formatSpan(nowMs)}, err: ${error}`);
      }
    }
    return errors;
  }

  #append({ labels, atMs, value, isStale }: RuleSample, written: Set<string>): void {
    const key = seriesKey(labels);
    if (isStale !== true) {
      written.add(key);
      this.#source.add(labels, atMs, value);
    } else if (!written.has(key)) {
      this.#source.addStale(labels, atMs);
    }
  }

  #checkAlerts(sinceMs: number, stepMs: number): string[] {
    const due = this.#test.alertTests.filter(({ evalTimeMs }) => sinceMs <= evalTimeMs && evalTimeMs < sinceMs + stepMs);
    return due.toSorted((a, b) => a.evalTimeMs - b.evalTimeMs).flatMap((test) => {
      const rules = this.#groups.flatMap((group) => group.rules).filter((rule) => rule.kind === 'alert' && rule.name === test.alertname);
      const firing = rules.flatMap((rule) => (this.#states.get(rule)?.alerts ?? []).filter(({ state }) => state === 'firing'));
      return alertMismatch(this.#test.name, test, firing);
    });
  }

  async #checkExpression(test: RuleTest['exprTests'][number]): Promise<string[]> {
    const failed = (error: unknown): string[] => [`    expr: ${goQuoted(test.expr)}, time: ${formatSpan(test.evalTimeMs)}, err: ${messageOf(error)}`];
    let expected: { labels: Labels; value: number }[];
    let got: readonly { labels: Labels; value: number }[];
    try {
      got = await queryVector(this.#source, test.expr, this.#test.startMs + test.evalTimeMs, this.#world.query);
      if (test.expected.some(({ histogram }) => histogram !== '')) return failed(new Error('native histograms are not supported'));
      expected = test.expected.map(({ labels, value }) => ({ labels: parseMetricNotation(labels), value }));
    } catch (error) {
      return failed(error);
    }
    return sampleMismatch(test, expected, got, this.#file.fuzzyCompare);
  }
}

function readInput(series: string, values: string): SeriesNotation {
  const notation = parseSeriesNotation(`${series} ${values}`);
  if (notation.values.some(({ kind }) => kind === 'native')) throw new Error(`series ${series}: native histograms are not supported`);
  return notation;
}
