import { describe, expect, it } from 'vitest';
import type { Prices } from '../../ops/core/config.ts';
import { sumResources } from '../report/resources.ts';
import type { Resources } from '../report/resources.ts';
import { judgeShares } from '../cli/merge.ts';
import { measureShares } from './fixture.ts';
import { mergeShares } from './merge.ts';
import { decodeShare, encodeShare } from './share.ts';
import type { Share, ShareFacts } from './share.ts';

const prices: Prices = { cpuSecond: 0.5, gbSecond: 0.1, egressGb: 1e6, currency: 'EUR', asOf: '2026-01-31' };
const deeds = Array.from({ length: 12 }, (_, user) => ({ user, second: 2, op: 0, phase: 1, outcome: 'ok', us: 1_000 }) as const);
const [north, south] = measureShares({ users: 12, shares: 2, workers: 1, deeds }) as [Share, Share];

function sharesWith(...facts: readonly [Partial<ShareFacts>, Partial<ShareFacts>]): readonly [Share, Share] {
  const [a, b] = [north, south].map((share, index) => decodeShare(encodeShare({ ...share, facts: { ...share.facts, ...facts[index] } })));
  return [a, b] as [Share, Share];
}

function used(share: Share, generatorCpuS: number, hasSystem: boolean): Resources {
  const memory = [0, 2].map((second) => ({ second, bytes: { generator: generatorCpuS * 1e6, ...(hasSystem ? { api: 5e6 } : {}) } }));
  return sumResources(share.measurement, { generator: { name: 'generator', cpuS: generatorCpuS, gbS: 1 }, system: hasSystem ? [{ name: 'api', cpuS: 4, gbS: 10 }] : undefined, memory }, null, undefined);
}

describe('the resources of a merged run', () => {
  const shares = sharesWith({ resources: used(north, 1, false), prices }, { resources: used(south, 2, true), prices });
  const merged = mergeShares(shares);
  const summary = judgeShares(shares, merged, null);

  it('are those of all generators, and of the system once', () => {
    expect(summary.resources).toMatchObject({
      operations: 12, systemMeasured: true, used: { cpuS: 7, gbS: 12, bytesReceived: 240 },
      processes: [{ name: 'generator', cpuS: 3, gbS: 2 }, { name: 'api', cpuS: 4, gbS: 10 }],
      memory: [{ second: 0, bytes: { generator: 3e6, api: 5e6 } }, { second: 2, bytes: { generator: 3e6, api: 5e6 } }],
    });
  });

  it('are priced by the list that its shares had', () => {
    expect(summary.resources?.money).toMatchObject({ cpu: 2, memory: 1, egress: 0.24, currency: 'EUR' });
    const unpriced = sharesWith({ resources: used(north, 1, true) }, { resources: used(south, 2, true) });
    expect(judgeShares(unpriced, merged, null).resources?.money).toBeNull();
  });

  it('are unknown where one share did not measure its own', () => {
    const older = sharesWith({ resources: used(north, 1, true) }, {});
    expect(judgeShares(older, merged, null).resources).toBeUndefined();
  });

  it('count each generator’s CPU time and memory', () => {
    const use = { cpuUs: 600, operations: 6, rssBytes: 100e6, fixedBytes: 100e6, bytesPerUser: null };
    const both = sharesWith({ generator: use }, { generator: use });
    expect(judgeShares(both, merged, null).generator).toMatchObject({ cpuUsPerOperation: 100, rssBytes: 200e6, fixedBytes: 200e6, bytesPerUser: null });
  });
});
