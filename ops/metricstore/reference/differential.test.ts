import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../core/node-host.ts';
import { goTools } from '../../core/tools.ts';
import { findReferences } from '../../../tests/go-tools.ts';
import type { MemorySource } from '../memory-source.ts';
import { compareEngines } from './differential.ts';
import { startPrometheus } from './prometheus.ts';
import type { ReferencePrometheus } from './prometheus.ts';
import { randomQuery } from './random-expression.ts';
import { randomSeries, seriesSpan, sourceOf } from './random-series.ts';
import { dashboardExpressions, ruleExpressions, seriesForRules } from './rule-expressions.ts';

const host = createNodeHost();
const { prometheus, promtool } = goTools;
const references = await findReferences(host, { prometheus, promtool });
const isHere = typeof references !== 'string';

/** The same cases each time, unless asked for others or more; a failure names its seed. */
const seed = Number(host.process.env['SORA_DIFFERENTIAL_SEED'] ?? 5);
const numRuns = Number(host.process.env['SORA_DIFFERENTIAL_RUNS'] ?? 300);
const hourMs = 3_600_000;
const timeoutMs = 30_000 + numRuns * 50;

describe.skipIf(!isHere)(`PromQL beside a real Prometheus${isHere ? '' : ` (skipped: ${references})`}`, () => {
  const root = join(import.meta.dirname, '../../..');
  const dashboards = dashboardExpressions(host, join(root, 'deploy/grafana/dashboards'));
  const expressions = [...ruleExpressions(host, join(root, 'alerts/rules')), ...dashboards];
  let reference: ReferencePrometheus;
  let source: MemorySource;

  beforeAll(async () => {
    if (typeof references === 'string') return;
    const series = [...randomSeries(seed), ...seriesForRules(expressions, seed)];
    source = sourceOf(series);
    reference = await startPrometheus(host, { prometheus: references.prometheus.path, promtool: references.promtool.path }, series, ['--enable-feature=promql-experimental-functions']);
  });
  afterAll(async () => reference?.[Symbol.asyncDispose]());

  it(`gives the same for ${numRuns} random queries over random series (seed ${seed})`, async () => {
    await fc.assert(fc.asyncProperty(randomQuery, async (query) => {
      expect(await compareEngines(reference, source, query)).toBeUndefined();
    }), { seed, numRuns });
  }, timeoutMs);

  it('gives the same for every expression of the rules and dashboards', async () => {
    expect(dashboards.length).toBeGreaterThan(5);
    expect(expressions.length).toBeGreaterThan(100);
    for (const expr of expressions) {
      for (const query of [{ startMs: seriesSpan.endMs, steps: 0, stepMs: 0 }, { startMs: seriesSpan.startMs, steps: 60, stepMs: hourMs / 50 }]) {
        expect({ expr, difference: await compareEngines(reference, source, { expr, ...query }) }).toEqual({ expr, difference: undefined });
      }
    }
  }, timeoutMs);
});
