import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { buildSummary } from '../report/summary.ts';
import type { LiveView } from '../swarm/measurement.ts';
import { measureShares } from './fixture.ts';
import { parsePartition, parseRunId, parseStartAt, requireShareName, requireStartAhead } from './flags.ts';
import { pack, unpack } from './packing.ts';
import { mergeSeries, periodOf, ShareSeries } from './seconds.ts';
import { decodeShare, encodeShare, readShare } from './share.ts';

const host = createNodeHost();
const folder = mkdtempSync(join(tmpdir(), 'sora-shares-'));
afterAll(() => rmSync(folder, { recursive: true }));
const share = measureShares({ users: 5, shares: 1, workers: 1, deeds: [{ user: 2, second: 1, op: 0, phase: 1, outcome: 'ok', us: 900 }] })[0]!;

describe('the file of a share', () => {
  it('keeps every array as it was', () => {
    fc.assert(fc.property(fc.uint32Array(), fc.float64Array({ noNaN: true }), fc.string(), (words, numbers, text) => {
      const value = { words, deep: [{ numbers, text, none: null }] };
      expect(unpack(JSON.parse(JSON.stringify(pack(value))))).toEqual(value);
    }));
  });

  it('is refused by name with tags in their earlier form, which knew no operation', () => {
    const tags = (share.measurement.tags ?? []).map(({ op: _op, times: _times, ...earlier }) => earlier);
    expect(tags).toHaveLength(1);
    const text = encodeShare({ ...share, measurement: { ...share.measurement, tags: tags as never } });
    expect(() => decodeShare(text)).toThrow('body.measurement.tags.0.op: was written by an earlier form of the program');
  });

  it('is read from its path and from its folder', () => {
    writeFileSync(join(folder, 'share.json'), encodeShare(share));
    expect(readShare(host, folder)).toEqual(share);
    expect(readShare(host, join(folder, 'share.json'))).toEqual(share);
    writeFileSync(join(folder, 'friday.share'), encodeShare(share));
    expect(readShare(host, join(folder, 'friday.share'))).toEqual(share);
  });

  it.each([
    ['is cut off', (text: string) => text.slice(0, -100)],
    ['was changed', (text: string) => text.replace('"seed":42', '"seed":43')],
    ['is of another schema', (text: string) => text.replace('sora.share/v1', 'sora.share/v2')],
    ['is something else', () => '{"a":1}'],
    ['is not JSON', () => 'PK\u0003\u0004'],
  ])('is refused with its name when it %s', (_how, change) => {
    const path = join(folder, 'damaged.json');
    writeFileSync(path, change(encodeShare(share)));
    expect(() => readShare(host, path)).toThrow(/damaged\.json is no share that can be read: .+/);
  });

  it('holds no secret that a server, a library or a path wrote, as its report holds none', () => {
    const secrets = ['eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.c2lnbmF0dXJlLW9mLTQy', 'hunter2-and-more', 'sk_live_abcdef1234567890', 'ann@example.com'];
    const [token = '', password = '', key = '', mail = ''] = secrets;
    const firstMessage = `POST /login answered 500: {"password":"${password}","code":7}`;
    const step = {
      user: 2, step: 0, op: 'read', dueMs: 0, thinkTimeMs: 1, outcome: 'failed' as const, errorKind: `throw: ${mail}`, responseUs: 9, serviceUs: 9, poolWaitUs: 0, latenessUs: 0,
      requests: [{ method: 'GET', path: `/reset?access_token=${token}`, status: 500, serviceUs: 9, correlationId: 'c1' }],
    };
    const errors = [{ kind: `throw: ${key}`, op: 'read', count: 2, firstAtMs: 7, firstMessage, firstStack: `Error: bearer ${token}\n    at login (/shop.ts:3:1)` }];
    const told = { ...share, measurement: { ...share.measurement, errors, history: [step] } };
    const text = encodeShare(told);
    for (const secret of secrets) expect(text).not.toContain(secret);
    const { measurement, facts } = decodeShare(text);
    expect(buildSummary(measurement, { ...facts, audit: null })).toEqual(buildSummary(told.measurement, { ...facts, audit: null }));
  });

  it('is named when it is not there', () => {
    expect(() => readShare(host, join(folder, 'gone'))).toThrow(/there is no share .*gone/);
    expect(() => readShare(host, tmpdir())).toThrow(/there is no share\.json in /);
  });

  it('changed by a letter anywhere is noticed', () => {
    const text = encodeShare(share);
    fc.assert(fc.property(fc.nat(text.length - 2), fc.constantFrom('x', '7'), (at, letter) => {
      fc.pre(text[at] !== letter);
      const changed = text.slice(0, at) + letter + text.slice(at + 1);
      let found: unknown;
      try {
        found = decodeShare(changed);
      } catch {
        return;
      }
      // A change that means the same, such as in the space of a number, is none.
      expect(found).toEqual(share);
    }), { numRuns: 100 });
  });
});

describe('the series of a share', () => {
  it('has a point a second for two hours, and the same wider points for every share of a longer run', () => {
    expect([periodOf(7_200_000), periodOf(7_201_000), periodOf(86_400_000)]).toEqual([1, 2, 12]);
    const series = new ShareSeries(2);
    for (let second = 0; second < 5; second++) series.onTick({ second, phase: 'hold', users: second } as LiveView);
    expect(series.list.map(({ second, users }) => [second, users])).toEqual([[0, 1], [2, 3], [4, 4]]);
  });

  it('counts the users of a share that has ended as they were last', () => {
    const point = { phase: 'hold' as const, total: 1, failed: 0, refused: 0, response: new Uint32Array([5, 1]) };
    const merged = mergeSeries([[{ ...point, second: 0, users: 4 }, { ...point, second: 1, users: 3 }], [{ ...point, second: 0, users: 2 }]]);
    expect(merged.map(({ users, total, p50Ms }) => [users, total, p50Ms])).toEqual([[6, 2, 0.005], [5, 1, 0.005]]);
  });
});

describe('the flags of a share', () => {
  const nowMs = Date.UTC(2026, 0, 31, 14, 0, 0);
  const alone = { partition: undefined, runId: undefined, startAtMs: undefined };

  it('are read', () => {
    expect(parsePartition('3/4')).toEqual({ index: 3, count: 4 });
    expect(parseRunId('friday-1')).toBe('friday-1');
    expect(parseStartAt('2026-01-31T16:00:05+01:00')).toBe(nowMs + 3_605_000);
  });

  it.each([
    [() => parsePartition('4/4'), 'partition 4 of 4 does not exist'],
    [() => parsePartition('1'), '--partition "1" is no share'],
    [() => parsePartition('-1/4'), 'is no share'],
    [() => parsePartition('0/2000'), '2000 shares are more than 1000'],
    [() => parseRunId('../x'), 'is no name of a run'],
    [() => parseRunId('latest'), 'is no name of a run'],
    [() => requireStartAhead({ ...alone, startAtMs: nowMs }, nowMs), '--start-at 2026-01-31T14:00:00.000Z is past'],
    [() => requireStartAhead({ ...alone, startAtMs: nowMs + 86_400_001 }, nowMs), 'more than 24 h ahead'],
    [() => parseStartAt('2026-01-31T15:00:00'), 'is no time with a zone'],
    [() => parseStartAt('tomorrow'), 'is no time with a zone'],
    [() => requireShareName({ ...alone, partition: { index: 0, count: 2 } }), '--partition 0/2 needs --run-id'],
  ])('are refused in one message: %#', (read, message) => {
    expect(read).toThrow(message);
  });
});
