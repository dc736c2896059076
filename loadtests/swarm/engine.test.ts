import { describe, expect, it } from 'vitest';
import { type Desk, get, rig, turns } from './fixtures/engine-rig.ts';
import type { HttpRequest, Scenario, Step } from './scenario.ts';

describe('times', () => {
  it('counts requests that are out at the same time once, so that no operation serves longer than it takes', async () => {
    const { desk, history, advance } = rig(async ({ http }) => {
      await Promise.all([http.request({ method: 'GET', path: '/a' }), http.request({ method: 'GET', path: '/b' }), http.request({ method: 'GET', path: '/c' })]);
    });
    let waitedMs = 0;
    await advance(3_000, () => {
      waitedMs = desk.waiting.length === 0 ? 0 : waitedMs + 1;
      if (waitedMs > 40) desk.answer(200);
    });
    expect(history.length).toBeGreaterThan(0);
    for (const { serviceUs, responseUs } of history) {
      expect(serviceUs).toBeGreaterThan(35_000);
      expect(serviceUs).toBeLessThanOrEqual(responseUs);
    }
  });
});

describe('pacing', () => {
  it('begins nothing before the run does, though it is due in its first moment', async () => {
    const { desk, advance } = rig(get, { plan: { users: 3, thinkTimeMs: { kind: 'constant', value: 0 }, pace: 'after-reply' }, soon: queueMicrotask });
    await turns();
    expect(desk.waiting).toEqual([]);
    await advance(1);
    expect(desk.waiting).toHaveLength(3);
  });

  it('begins what is due at once in batches, and the rest of the last when it is told to', async () => {
    const waiting: (() => void)[] = [];
    const { desk, advance } = rig(get, {
      plan: { users: 150, thinkTimeMs: { kind: 'constant', value: 0 }, pace: 'after-reply' }, soon: (run) => void waiting.push(run),
    });
    await advance(1);
    expect(desk.waiting).toHaveLength(150);
    desk.answer(200);
    await turns();
    // Two batches of 64; nobody has told the rest to begin.
    expect(desk.waiting).toHaveLength(128);
    for (const run of waiting) run();
    await turns();
    expect(desk.waiting).toHaveLength(150);
  });

  it('dues each step one think time after the one before, however fast the replies', async () => {
    const { desk, history, advance, engine } = rig(get);
    await advance(10_001, () => desk.answer(200));
    expect(history).toHaveLength(10);
    for (let n = 1; n < history.length; n++) expect(history[n]!.dueMs - history[n - 1]!.dueMs).toBeCloseTo(1_000, 6);
    expect(history.every(({ latenessUs }) => latenessUs <= 1_000)).toBe(true);
    expect(engine.finished).toBe(true);
  });

  it('waits for a late reply, counts from the due time, and does not call that lateness', async () => {
    const { desk, history, advance } = rig(get);
    let nowMs = 0;
    await advance(10_001, () => {
      nowMs++;
      if (nowMs < 2_000 || nowMs >= 5_500) desk.answer(200);
    });
    expect(history).toHaveLength(10);
    const late = history.filter(({ responseUs }) => responseUs > 100_000);
    expect(late.length).toBeGreaterThanOrEqual(3);
    expect(late[0]!.serviceUs).toBeGreaterThan(2_000_000);
    expect(late[1]!.serviceUs).toBeLessThan(5_000);
    expect(late[1]!.responseUs).toBeGreaterThan(late[2]!.responseUs);
    expect(late.every(({ latenessUs }) => latenessUs <= 2_000)).toBe(true);
  });

  it('counts think time from the reply in the closed form', async () => {
    const { desk, history, advance } = rig(get, { plan: { pace: 'after-reply' } });
    let waitMs = 0;
    await advance(10_001, () => {
      if (desk.waiting.length > 0 && ++waitMs % 500 === 0) desk.answer(200);
    });
    for (let n = 1; n < history.length; n++) expect(history[n]!.dueMs - history[n - 1]!.dueMs).toBeCloseTo(1_500, -1);
  });

  it('offers a steady rate from the end of the ramp on, without a burst', async () => {
    const { desk, history, advance } = rig(get, {
      plan: { users: 400, rampMs: 2_000, holdMs: 6_000, thinkTimeMs: { kind: 'uniform', from: 500, to: 1_500 } },
    });
    await advance(8_001, () => desk.answer(200));
    const perS = Array.from({ length: 8 }, (_, s) => history.filter(({ dueMs }) => Math.floor(dueMs / 1_000) === s).length);
    for (const count of perS.slice(2)) expect(Math.abs(count - 400)).toBeLessThan(60);
    expect(Math.abs(perS[0]! - 100)).toBeLessThan(50);
    expect(Math.abs(perS[1]! - 300)).toBeLessThan(60);
  });
});

describe('outcomes', () => {
  it.each<[string, Step<never>['run'], number, { failed: number; refused: number; kinds: string[] }]>([
    ['5xx fails', get, 503, { failed: 1, refused: 0, kinds: ['status 503'] }],
    ['4xx fails', get, 404, { failed: 1, refused: 0, kinds: ['status 404'] }],
    ['3xx is fine', get, 302, { failed: 0, refused: 0, kinds: [] }],
    [
      'an expected 404 is fine',
      async ({ http }) => void (await http.request({ method: 'GET', path: '/', expect: [404] })),
      404,
      { failed: 0, refused: 0, kinds: [] },
    ],
    [
      'a refusal is refused, also when a client library throws on it',
      async ({ http }) => {
        const { status } = await http.request({ method: 'GET', path: '/', refuse: [402] });
        throw Object.assign(new Error('declined'), { status });
      },
      402,
      { failed: 0, refused: 1, kinds: [] },
    ],
    [
      'a failed check fails, and works when taken apart',
      async ({ http, check }) => void check((await http.request({ method: 'GET', path: '/' })).status === 201, 'made'),
      200,
      { failed: 1, refused: 0, kinds: ['check: made'] },
    ],
    [
      'a throw fails',
      async ({ http }) => {
        await http.request({ method: 'GET', path: '/' });
        throw new TypeError('broken journey');
      },
      200,
      { failed: 1, refused: 0, kinds: ['throw: TypeError'] },
    ],
    [
      'a throw before the first await fails',
      () => {
        throw new RangeError('at once');
      },
      200,
      { failed: 1, refused: 0, kinds: ['throw: RangeError'] },
    ],
    [
      'a path that is none fails without reaching the wire',
      async ({ http }) => void (await http.request({ method: 'GET', path: '/a b\r\nx: y' })),
      200,
      { failed: 1, refused: 0, kinds: ['throw: malformed_request'] },
    ],
    [
      'a path that is none fails also where the step catches that',
      async ({ http }) => void (await http.request({ method: 'GET', path: '/a b' }).catch(() => undefined)),
      200,
      { failed: 1, refused: 0, kinds: ['throw: malformed_request'] },
    ],
    [
      'no path at all fails also where the step catches that',
      async ({ http }) => void (await http.request({ method: 'GET' } as HttpRequest).catch(() => undefined)),
      200,
      { failed: 1, refused: 0, kinds: ['throw: malformed_request'] },
    ],
    [
      'a body that is no JSON fails also where the step catches that',
      async ({ http }) => void (await http.request({ method: 'POST', path: '/', body: { n: 1n } }).catch(() => undefined)),
      200,
      { failed: 1, refused: 0, kinds: ['throw: TypeError'] },
    ],
  ])('%s', async (_name, run, status, expected) => {
    const { desk, advance, totals } = rig(run, { plan: { holdMs: 1_000 } });
    await advance(1_001, () => desk.answer(status));
    const { total, failed, refused, kinds } = totals();
    expect({ total, failed, refused, kinds }).toEqual({ total: 1, ...expected });
  });

  it('names a transport error, keeps the first stack of a throw and its correlation id, and goes on', async () => {
    const { desk, advance, engine } = rig(async ({ http }) => {
      await http.request({ method: 'GET', path: '/' });
      throw new Error('late');
    });
    await advance(2_001, () => desk.fail('ECONNREFUSED', false));
    await advance(10_001, () => desk.answer(200, 'X-Correlation-Id: c-7'));
    const { errors } = engine.tally.take();
    expect(errors.map(({ kind, count }) => [kind, count])).toEqual([
      ['ECONNREFUSED', 2],
      ['throw: Error', 8],
    ]);
    expect(errors[1]?.firstStack).toContain('engine.test.ts');
    expect(errors[1]?.firstCorrelationId).toBe('c-7');
  });

  it('knows by which id to look for a request that had no reply', async () => {
    const { desk, advance, engine, history } = rig(async ({ http }) => {
      await http.request({ method: 'GET', path: '/one' });
      await http.request({ method: 'GET', path: '/two' });
    });
    await advance(1_001, () => undefined);
    desk.answer(200, 'X-Correlation-Id: c-7');
    await advance(1_003);
    desk.fail('timeout', true);
    await advance(1_004);
    const { errors, slowest } = engine.tally.take();
    expect(errors.map(({ kind, firstCorrelationId }) => [kind, firstCorrelationId])).toEqual([['timeout', 'aabbccdd-0-0-1']]);
    expect(slowest[0]?.correlationId).toBe('aabbccdd-0-0-1');
    expect(history[0]?.requests.map(({ correlationId }) => correlationId)).toEqual(['c-7', 'aabbccdd-0-0-1']);
  });

  it('leaves a correlation id alone that a journey or its scenario sends', async () => {
    const sent = async (run: Step<never>['run'], scenario: Partial<Scenario<never>> = {}): Promise<string> => {
      const { desk, advance } = rig(run, { scenario });
      await advance(1_001);
      return desk.waiting[0]?.headers ?? '';
    };
    const named = { 'X-Correlation-Id': 'mine-0001' };
    expect(await sent(async ({ http }) => void (await http.request({ method: 'GET', path: '/', headers: named })))).toBe('X-Correlation-Id: mine-0001\r\n');
    expect(await sent(get, { headers: () => named })).toBe('X-Correlation-Id: mine-0001\r\n');
    expect(await sent(get)).toMatch(/^x-correlation-id: [A-Za-z0-9_-]{8,64}\r\n$/);
  });

  it('fails what is in flight and what was never sent when the drain ends', async () => {
    const { desk, advance, totals, engine } = rig(get, { plan: { holdMs: 4_000, drainMs: 1_000 } });
    await advance(4_900);
    expect(engine.finished).toBe(false);
    await advance(5_001);
    const { total, failed, kinds, response } = totals();
    expect([total, failed]).toEqual([4, 4]);
    expect(kinds.toSorted()).toEqual(['timeout', 'unsent']);
    expect([engine.unsent, engine.finished, engine.inFlight]).toEqual([3, true, 0]);
    expect(response.quantile(1)).toBeGreaterThan(4_000_000);
    desk.answer(200);
    expect(totals().total).toBe(0);
  });

  it('stops at once when told, without counting what was not begun', async () => {
    const { desk, advance, totals, engine } = rig(get);
    await advance(1_000);
    engine.stop();
    expect(engine.finished).toBe(false);
    desk.answer(200);
    await turns();
    expect([engine.finished, engine.unsent, totals().total]).toEqual([true, 0, 1]);
  });

  it('counts neither an operation nor its request that an interrupt cut off, and the request that a drain did', async () => {
    const cut = rig(get);
    await cut.advance(1_000);
    cut.engine.stop();
    cut.engine.abandon();
    cut.desk.fail('timeout', true);
    await turns();
    const counted = cut.engine.tally.take().operations;
    expect(counted.reduce((sum, { total, requests }) => sum + total + requests, 0)).toBe(0);
    const drained = rig(get, { plan: { holdMs: 1_500, drainMs: 500 } });
    await drained.advance(2_001);
    drained.desk.fail('timeout', true);
    await turns();
    expect(drained.engine.tally.take().operations).toMatchObject([{ requests: 1, requestsFailed: 1 }]);
  });
});

describe('users', () => {
  it('have a memory of their own, headers, and the shared data', async () => {
    const seen: string[] = [];
    const { desk, advance } = rig(
      (async (user: { state: { visits: number }; index: number; shared: unknown; http: { request: (r: object) => Promise<unknown> } }) => {
        user.state.visits++;
        seen.push(`${user.index}:${user.state.visits}:${String(user.shared)}`);
        await user.http.request({ method: 'POST', path: '/', body: { a: 1 } });
      }) as unknown as Step<never>['run'],
      {
        plan: { users: 2, holdMs: 2_000 },
        scenario: {
          state: (() => ({ visits: 0 })) as unknown as NonNullable<Scenario<never>['state']>,
          headers: (index) => ({ authorization: `Bearer ${index}` }),
        },
      },
    );
    const heads: string[] = [];
    await advance(2_001, () => {
      heads.push(...desk.waiting.map(({ headers, body }) => `${headers}${String(body)}`));
      desk.answer(200);
    });
    expect(seen.toSorted()).toEqual(['0:1:shared', '0:2:shared', '1:1:shared', '1:2:shared']);
    expect(heads.toSorted()[0]).toBe('authorization: Bearer 0\r\nx-correlation-id: aabbccdd-0-0-0\r\ncontent-type: application/json\r\n{"a":1}');
  });

  it('cannot send once their step has ended', async () => {
    let late: Promise<unknown> = Promise.resolve();
    const { desk, advance, totals } = rig(
      (user) => {
        late = late.catch(() => undefined).then(() => user.http.request({ method: 'GET', path: '/late' }));
        late.catch(() => undefined);
        return Promise.resolve();
      },
      { plan: { holdMs: 1_000 } },
    );
    await advance(1_001);
    expect(desk.waiting).toHaveLength(0);
    await expect(late).rejects.toThrow('after its step ended');
    expect(totals().total).toBe(1);
  });
});

describe('writes', () => {
  const write: Step<never>['run'] = async ({ http, writeId }) => {
    for (const kind of ['post', 'like']) {
      const id = writeId();
      await http.request({ method: 'POST', path: '/', write: { id, kind } });
    }
  };

  it('count when acknowledged, with the sum of their last 32 bits', async () => {
    const { desk, advance, engine } = rig(write, { plan: { holdMs: 1_000 } });
    const ids: string[] = [];
    await advance(1_100, () => {
      for (const exchange of desk.waiting) ids.push((exchange as unknown as { request: { write: { id: string } } }).request.write.id);
      desk.answer(201);
    });
    expect(new Set(ids).size).toBe(2);
    for (const id of ids) expect(id).toMatch(/^aabbccdd-0000-0000-0000-0000[0-9a-f]{8}$/);
    expect(engine.writes.acknowledged[0]).toBe(2);
    expect(engine.writes.checksum[0]).toBe(ids.reduce((sum, id) => sum + Number.parseInt(id.slice(-8), 16), 0));
    expect(engine.writes.byKind).toEqual({ post: 1, like: 1 });
  });

  it.each([
    ['a timeout after bytes left', (desk: Desk) => desk.fail('timeout', true), 1],
    ['a refused connection', (desk: Desk) => desk.fail('ECONNREFUSED', false), 0],
    ['a 500', (desk: Desk) => desk.answer(500), 2],
    ['a 409', (desk: Desk) => desk.answer(409), 0],
  ] as const)('are not acknowledged by %s', async (_name, end, doubted) => {
    const { desk, advance, engine } = rig(write, { plan: { holdMs: 1_000 } });
    await advance(1_100, () => end(desk));
    expect(engine.writes.acknowledged[0]).toBe(0);
    expect(engine.writes.indeterminate).toHaveLength(doubted);
  });

  it('can be taken back, and count once when the same id is sent twice', async () => {
    const { desk, advance, engine } = rig(
      async ({ http, writeId, dropWrite }) => {
        const first = writeId();
        const second = writeId();
        for (const id of [first, second, second]) await http.request({ method: 'PUT', path: '/', write: { id, kind: 'like' } });
        dropWrite(first);
      },
      { plan: { holdMs: 1_000 } },
    );
    await advance(1_100, () => desk.answer(200));
    expect(engine.writes.acknowledged[0]).toBe(1);
  });
});
