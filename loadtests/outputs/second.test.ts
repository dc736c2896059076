import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Histogram } from '../swarm/histogram.ts';
import type { OperationSample, WorkerHealth } from '../swarm/measurement.ts';
import { sparseOf } from './fixture.ts';
import { SecondCollector } from './second.ts';

const health: WorkerHealth = {
  worker: 0, pid: 1, cpuUs: 0, coreShareMax: 0, rssBytes: 0, rssAtStartBytes: 0, loopDelayP99Ms: 0, usersStarted: 0, usersActive: 0, unsent: 0,
};

function sampleOf(op: string, valuesUs: readonly number[], phase: OperationSample['phase'] = 'hold'): OperationSample {
  const sparse = sparseOf(valuesUs);
  const total = valuesUs.length;
  return {
    op, phase, total, failed: 0, refused: 0, times: { response: sparse, service: sparse, poolWait: sparse, lateness: sparse }, failedResponse: sparseOf([]),
    requests: total, requestsFailed: 0, requestDuration: sparse, bytesSent: total, bytesReceived: total,
  };
}

it('leaves out no operation, whichever worker, phase and second it came from and however late', () => {
  const report = fc.record({ worker: fc.nat(2), second: fc.nat(4), op: fc.constantFrom('a', 'b'), phase: fc.constantFrom('ramp' as const, 'hold' as const), values: fc.array(fc.integer({ min: 1, max: 1e7 }), { maxLength: 5 }) });
  fc.assert(fc.property(fc.array(report, { maxLength: 30 }), fc.nat(4), (reports, closedEarly) => {
    const collector = new SecondCollector();
    const sum = { total: 0, histogram: new Histogram() };
    const close = (second: number): void => {
      for (const { total, response } of collector.close({ second, phase: 'hold', users: 1 }, 0).operations) {
        sum.total += total;
        sum.histogram.mergeSparse(response);
      }
    };
    for (let second = 0; second < closedEarly; second++) close(second);
    for (const { worker, second, op, phase, values } of reports) {
      collector.add({ worker, second, health, operations: [sampleOf(op, values, phase)], errors: [], slowest: [] });
    }
    for (let second = closedEarly; second < 6; second++) close(second);
    const all = reports.flatMap(({ values }) => values);
    expect(sum.total).toBe(all.length);
    expect(sum.histogram.encode()).toEqual(sparseOf(all));
  }));
});

it('counts the operations beyond 200 names as one', () => {
  const collector = new SecondCollector();
  const operations = Array.from({ length: 250 }, (_, index) => sampleOf(`op${index}`, [10]));
  collector.add({ worker: 0, second: 0, health, operations, errors: [], slowest: [] });
  const names = collector.close({ second: 0, phase: 'hold', users: 1 }, 0).operations;
  expect(names).toHaveLength(201);
  expect(names.find(({ op }) => op === '(other)')?.total).toBe(50);
});
