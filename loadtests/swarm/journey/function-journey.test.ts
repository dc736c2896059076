import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { simulate } from '../fixtures/simulate.ts';
import type { FunctionJourney, HttpRequest, JourneyUser, VirtualUser } from '../scenario.ts';

type Run = FunctionJourney<never>['run'];
const get = (user: Pick<JourneyUser<never>, 'http'>, path = '/') => user.http.request({ method: 'GET', path });
const noPause = { thinkTimeMs: { kind: 'constant', value: 0 } } as const;

describe('a journey as a function', () => {
  it('dues what follows a pause by the due time before it, however long the reply took', async () => {
    const run: Run = async (user) => {
      await get(user, '/a');
      await user.think(400);
      await get(user, '/b');
    };
    const { history } = await simulate(run, { latencyMs: (path) => (path === '/a' ? 250 : 30) });
    const dues = history.map(({ dueMs }) => dueMs);
    expect(history.map(({ op }) => op).slice(0, 4)).toEqual(['GET /a', 'GET /b', 'GET /a', 'GET /b']);
    for (const [n, due] of dues.entries()) if (n > 0) expect(due - dues[n - 1]!).toBeCloseTo(n % 2 === 1 ? 400 : 1_000, 6);
    expect(history.every(({ op, responseUs }) => Math.abs(responseUs / 1_000 - (op === 'GET /a' ? 250 : 30)) <= 1.01)).toBe(true);
  });

  it('counts pauses from the reply in the closed form', async () => {
    const run: Run = async (user) => {
      await get(user, '/a');
      await user.think(400);
      await get(user, '/b');
    };
    const { history } = await simulate(run, { latencyMs: () => 250, plan: { pace: 'after-reply' } });
    expect(history[1]!.dueMs - history[0]!.dueMs).toBeCloseTo(650, -1);
    expect(history[2]!.dueMs - history[1]!.dueMs).toBeCloseTo(1_250, -1);
  });

  it('shows a late reply in the response of what was due meanwhile, and not as lateness', async () => {
    const run: Run = async (user) => {
      await get(user, '/slow');
      await user.think(100);
      await get(user, '/next');
    };
    const { history } = await simulate(run, { latencyMs: (path) => (path === '/slow' ? 700 : 10) });
    const next = history.find(({ op }) => op === 'GET /next')!;
    expect(next.responseUs / 1_000).toBeCloseTo(610, -1);
    expect(next.latenessUs).toBeLessThan(2_000);
    expect(next.serviceUs / 1_000).toBeCloseTo(10, -1);
  });

  it.each(['due', 'after-reply'] as const)('measures a group as quick as its replies, however late its pauses end (%s)', async (pace) => {
    const run: Run = ({ http, think, group }) => group('browse', async () => {
      for (let page = 0; page < 11; page++) {
        if (page > 0) await think(103);
        await http.request({ method: 'GET', path: '/' });
      }
    });
    const { history } = await simulate(run, { turnMs: 8, latencyMs: () => 1, plan: { pace } });
    expect(history.length).toBeGreaterThan(3);
    // Only the beginning of the group, which the schedule said, may be late by a turn.
    for (const { responseUs, latenessUs } of history) {
      expect(responseUs).toBeLessThanOrEqual(11_000 + 8_001);
      expect(latenessUs).toBeLessThanOrEqual(8_001);
    }
    expect(Math.max(...history.map(({ latenessUs }) => latenessUs))).toBeGreaterThan(5_000);
  });

  it.each<[string, Run]>([
    ['an iteration', async (user) => void get(user, '/slow')],
    ['a group', (user) => user.group('shop', async () => void get(user, '/slow'))],
  ])('fails a request that %s did not wait for', async (_what, run) => {
    const { history, errors } = await simulate(run, { latencyMs: () => 50 });
    expect(history.length).toBeGreaterThan(3);
    expect(history.every(({ outcome, errorKind }) => outcome === 'failed' && errorKind === 'not awaited')).toBe(true);
    expect(errors.map(({ kind }) => kind)).toEqual(['not awaited']);
  });

  it('measures a group as one operation, without the pauses in it', async () => {
    const run: Run = async ({ http, think, group, check }) => {
      const items = await group('browse', async () => {
        await http.request({ method: 'GET', path: '/one' });
        await think(300);
        const reply = await http.request({ method: 'GET', path: '/two' });
        check(reply.json<{ path: string }>().path === '/two', 'is the one');
        await think(200);
        return [reply.status];
      });
      check(items.length === 1, 'has items');
    };
    const { counts, history } = await simulate(run, { latencyMs: () => 40 });
    expect(Object.keys(counts)).toEqual(['browse']);
    expect(counts['browse']![1]).toBe(0);
    expect(history[0]!.requests.map(({ path }) => path)).toEqual(['/one', '/two']);
    for (const { responseUs } of history) expect(responseUs / 1_000).toBeCloseTo(80, -1);
    // 1 s between iterations and 0.5 s of pauses within.
    expect(history[1]!.dueMs - history[0]!.dueMs).toBeCloseTo(1_500, 6);
  });

  it('names requests by method and path without ids, or as they say', async () => {
    const run: Run = async (user) => {
      await get(user, '/posts/4711/comments?page=2');
      await get(user, '/users/7f9c24e8-3b12-4fef-91d0-1a2b3c4d5e6f');
      await user.http.request({ method: 'GET', path: '/x', name: 'mine' });
    };
    const { counts } = await simulate(run);
    expect(Object.keys(counts)).toEqual(['GET /posts/:id/comments', 'GET /users/:id', 'mine']);
  });

  it('gives a failed check to the request before it and goes on', async () => {
    const run: Run = async (user) => {
      const reply = await get(user, '/a');
      user.check(reply.status === 201, 'was made');
      await get(user, '/b');
    };
    const { counts, errors } = await simulate(run, { plan: { holdMs: 3_000 } });
    expect(counts).toEqual({ 'GET /a': [3, 3], 'GET /b': [3, 0] });
    expect(errors.map(({ kind, op, count }) => [kind, op, count])).toEqual([['check: was made', 'GET /a', 3]]);
  });

  it.each<[string, Run, string, string]>([
    ['after a reply', async (user) => void (await get(user, '/a')).json<{ no: { such: string } }>().no.such, 'GET /a', 'throw: TypeError'],
    ['in a group', (user) => user.group('shop', () => Promise.reject(new RangeError('sold out'))), 'shop', 'throw: RangeError'],
    ['before anything', () => Promise.reject(new Error('at once')), 'only', 'throw: Error'],
    ['outside of any promise', () => { throw new SyntaxError('at once'); }, 'only', 'throw: SyntaxError'],
    ['by a wrong pause', async (user) => { await get(user, '/a'); await user.think(-5); }, 'only', 'throw: SoraError'],
    ['by a group within a group', (user) => user.group('outer', () => user.group('inner', async () => undefined)), 'outer', 'throw: SoraError'],
  ])('fails the operation by a throw %s once, with its stack, and begins a new iteration', async (_name, run, op, kind) => {
    const { counts, errors, engine } = await simulate(run, { plan: { holdMs: 4_000 } });
    expect(counts[op]).toEqual([4, 4]);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toMatchObject({ kind, op, count: 4 });
    expect(errors[0]!.firstStack).toContain('    at ');
    expect([engine.finished, engine.inFlight]).toEqual([true, 0]);
  });

  it.each<[string, Partial<HttpRequest>]>([
    ['a path with a blank', { path: '/a b' }],
    ['a path with an umlaut', { path: '/käse' }],
    ['a path with a line break', { path: '/a\r\nx: y' }],
    ['a path without a slash', { path: 'feed' }],
    ['a header with a line break', { headers: { 'x-own': 'a\r\nb' } }],
    ['redirects out of range', { redirects: 21 }],
  ])('fails a request with %s, which is never sent, though the journey catches that', async (_what, wrong) => {
    const { counts, errors } = await simulate(async ({ http, group }) => {
      const request = { method: 'GET', path: '/', name: 'alone', ...wrong } as const;
      await http.request(request).catch(() => undefined);
      await group('together', () => http.request(request).then(() => undefined, () => undefined));
      await http.request({ method: 'GET', path: '/next' });
    }, { plan: { holdMs: 4_000 } });
    expect(counts).toEqual({ alone: [4, 4], together: [4, 4], 'GET /next': [4, 0] });
    expect(errors.map(({ kind, op, count }) => [kind, op, count])).toEqual([['throw: malformed_request', 'alone', 4], ['throw: malformed_request', 'together', 4]]);
    expect(errors[0]!.firstStack).toContain('function-journey.test.ts');
  });

  it('fails a WebSocket that cannot be asked for, though the journey catches that', async () => {
    const { counts } = await simulate(async ({ ws }) => void (await ws('/chat', { protocols: ['no token'] }).catch(() => undefined)), { plan: { holdMs: 4_000 } });
    expect(counts).toEqual({ ws_connect: [4, 4] });
  });

  it('counts iterations and forgets local values between them, and keeps the state', async () => {
    const seen: string[] = [];
    const run = (async (user: JourneyUser<{ visits: number }>) => {
      let local = 0;
      for (let n = 0; n < 2; n++) {
        local++;
        user.state.visits++;
        await user.http.request({ method: 'GET', path: '/' });
        await user.think(10);
      }
      seen.push(`${user.iteration} ${local} ${user.state.visits}`);
    }) as unknown as Run;
    await simulate(run, { plan: { holdMs: 3_000 }, scenario: { state: (() => ({ visits: 0 })) as never } });
    expect(seen).toEqual(['0 2 2', '1 2 4', '2 2 6']);
  });

  it('carries values from reply to request, and tokens of its own in headers', async () => {
    const run: Run = async (user) => {
      const { path } = (await get(user, '/first')).json<{ path: string }>();
      await user.http.request({ method: 'POST', path: '/second', body: { came: path }, headers: { authorization: 'Bearer mine' } });
    };
    const { history } = await simulate(run, { plan: { holdMs: 1_000 } });
    expect(history.map(({ requests }) => requests[0]!.path)).toEqual(['/first', '/second']);
  });

  it('measures requests at the same time as operations of their own', async () => {
    const run: Run = async (user) => {
      await Promise.all([get(user, '/slow'), get(user, '/fast'), get(user, '/fast')]);
    };
    const { counts, history } = await simulate(run, { plan: { holdMs: 2_000 }, latencyMs: (path) => (path === '/slow' ? 200 : 20) });
    expect(counts).toEqual({ 'GET /slow': [2, 0], 'GET /fast': [4, 0] });
    const times = history.slice(0, 3).map(({ op, responseUs }) => [op, Math.round(responseUs / 20_000) * 20]);
    expect(times).toContainEqual(['GET /slow', 200]);
    expect(times).toContainEqual(['GET /fast', 20]);
    expect(new Set(history.map(({ step }) => step)).size).toBe(6);
  });

  it('ends a request that failed with its own reply, whatever else was under way', async () => {
    const { history } = await simulate(async (user) => void (await Promise.all([get(user, '/slow'), get(user, '/broken')])), {
      plan: { holdMs: 1_000 }, latencyMs: (path) => (path === '/slow' ? 600 : 30), status: (path) => (path === '/slow' ? 200 : 503),
    });
    expect(history.map(({ op, outcome, responseUs }) => [op, outcome, Math.round(responseUs / 10_000) * 10]).toSorted((a, b) => String(a[0]).localeCompare(String(b[0])))).toEqual([
      ['GET /broken', 'failed', 30],
      ['GET /slow', 'ok', 600],
    ]);
  });

  it('goes on without any pause at all, one iteration after the other', async () => {
    const { counts, endedMs } = await simulate(async (user) => void (await get(user)), { latencyMs: () => 10, plan: { ...noPause, holdMs: 1_000 } });
    expect(counts['GET /']![0]).toBeGreaterThan(50);
    expect(counts['GET /']![0]).toBeLessThan(110);
    expect(endedMs).toBeLessThan(1_100);
  });

  it('does not repeat itself when an iteration makes no request', async () => {
    const draws = new Set<number>();
    await simulate(async (user) => void draws.add(user.random.float()), { plan: { holdMs: 5_000 } });
    expect(draws.size).toBe(5);
  });
});

describe('the end', () => {
  it('takes nothing up after the load has ended, and counts nothing that was not due', async () => {
    const run: Run = async (user) => {
      await get(user, '/a');
      await user.think(60_000);
      await get(user, '/never');
    };
    const { counts, engine, endedMs } = await simulate(run);
    expect(counts).toEqual({ 'GET /a': [1, 0] });
    expect([engine.unsent, engine.inFlight, engine.finished]).toEqual([0, 0, true]);
    expect(endedMs).toBeLessThan(10_000);
  });

  it('finishes a group that has begun, pauses included', async () => {
    const run: Run = (user) =>
      user.group('long', async () => {
        await get(user, '/a');
        await user.think(11_000);
        await get(user, '/b');
      });
    const { history } = await simulate(run);
    expect(history).toHaveLength(1);
    expect(history[0]).toMatchObject({ op: 'long', outcome: 'ok', requests: [{ path: '/a' }, { path: '/b' }] });
  });

  it('fails what is in flight when the drain ends', async () => {
    const { counts, errors, engine } = await simulate(async (user) => void (await get(user)), { latencyMs: () => Number.POSITIVE_INFINITY });
    expect(counts).toEqual({ 'GET /': [1, 1] });
    expect(errors.map(({ kind }) => kind)).toEqual(['timeout']);
    expect([engine.finished, engine.inFlight]).toEqual([true, 0]);
  });

  it('stops when told: what is under way ends, what pauses goes', async () => {
    const run: Run = async (user) => {
      await get(user, '/a');
      await user.think(1_000);
      await get(user, '/b');
    };
    const { counts, endedMs, engine } = await simulate(run, {
      latencyMs: () => 100,
      plan: { users: 4 },
      each: (engine, nowMs) => {
        if (nowMs === 1_500) engine.stop();
      },
    });
    expect(engine.finished).toBe(true);
    expect(endedMs).toBeLessThan(1_700);
    expect(counts['GET /a']?.[0]).toBeGreaterThan(0);
  });

  it('leaves a group that pauses when told to stop, uncounted', async () => {
    const { counts, endedMs, engine } = await simulate((user) => user.group('long', () => get(user).then(() => user.think(5_000))), {
      each: (engine, nowMs) => {
        if (nowMs === 2_000) engine.stop();
      },
    });
    expect([counts, endedMs, engine.inFlight]).toEqual([{ long: [0, 0] }, 2_000, 0]);
  });

  it('refuses a kept user in a later iteration', async () => {
    let kept: JourneyUser<never> | undefined;
    const problems: string[] = [];
    await simulate(async (user) => {
      if (kept !== undefined) await get(kept).catch((error: Error) => problems.push(error.message));
      kept ??= user;
      await get(user);
    }, { plan: { holdMs: 3_000 } });
    expect(problems).toEqual(['GET / after its iteration ended', 'GET / after its iteration ended']);
  });
});

describe('bounds', () => {
  it('keeps 100 made-up names, and counts the others together', async () => {
    let n = 0;
    const { counts, engine } = await simulate(async (user) => void (await user.http.request({ method: 'GET', path: '/', name: `name-${n++}` })), {
      plan: { holdMs: 1_000, thinkTimeMs: { kind: 'constant', value: 5 } },
    });
    expect(n).toBeGreaterThan(150);
    expect(Object.keys(counts)).toHaveLength(101);
    expect(counts['(other)']![0]).toBe(n - 100);
    expect(engine.names.overflow).toBe(n - 100);
  });

  it('refuses the 101st request at the same time', async () => {
    let refused = '';
    await simulate(async (user) => {
      const sent = Array.from({ length: 101 }, () => get(user));
      await sent[100]!.catch((error: Error) => (refused = error.message));
    }, { plan: { holdMs: 1_000 }, latencyMs: () => 10 });
    expect(refused).toContain('the limit is 100');
  });
});

describe('tags', () => {
  it('mark what follows, one value a name, until the iteration ends', async () => {
    const run: Run = async (user) => {
      await get(user, '/plain');
      user.tag('plan', user.iteration % 2 === 0 ? 'free' : 'paid');
      user.tag('page', 1);
      await get(user, '/one');
      user.tag('page', 2);
      await get(user, '/two');
    };
    const { engine } = await simulate(run, { plan: { holdMs: 4_000 } });
    const samples = engine.books.tags.take();
    expect(Object.fromEntries(samples.map(({ name, value, op, total, requests }) => [`${name}=${value} ${op}`, [total, requests]]))).toEqual({
      'plan=free GET /one': [2, 2], 'plan=paid GET /one': [2, 2], 'plan=free GET /two': [2, 2], 'plan=paid GET /two': [2, 2], 'page=1 GET /one': [4, 4], 'page=2 GET /two': [4, 4],
    });
    expect(samples.every(({ phase }) => phase === 'hold')).toBe(true);
    expect(engine.books.tags.take()).toEqual([]);
  });
});

describe('checks', () => {
  it('count passed and failed, by the operation they belong to or else the journey', async () => {
    const run: Run = async (user) => {
      user.check(true, 'came');
      user.tag('plan', 'free');
      await get(user, '/one');
      user.check(user.iteration > 0, 'is not new');
      await user.group('buy', async () => {
        await get(user, '/two');
        user.check(true, 'bought');
      });
    };
    const { engine, counts } = await simulate(run, { plan: { holdMs: 4_000 } });
    expect(engine.books.checks.take().map(({ name, op, phase, total, failed }) => [name, op, phase, total, failed])).toEqual([
      ['came', 'only', 'hold', 4, 0], ['is not new', 'GET /one', 'hold', 4, 1], ['bought', 'buy', 'hold', 4, 0],
    ]);
    expect(engine.books.tags.take().map(({ op, checks, checksFailed }) => [op, checks, checksFailed])).toEqual([['GET /one', 4, 1], ['buy', 4, 0]]);
    // A check that passed between two operations begins none.
    expect(counts).toEqual({ 'GET /one': [4, 1], buy: [4, 0] });
  });

  it('do not count once their operation is over', async () => {
    const late: (() => boolean)[] = [];
    const step = { op: 'look', run: async ({ http, check }: VirtualUser<undefined>) => {
      await http.request({ method: 'GET', path: '/' });
      check(true, 'in time');
      late.push(() => check(false, 'too late'));
    } };
    const { engine, counts } = await simulate([{ name: 'steps', weight: 1, steps: [step] }] as never, { plan: { holdMs: 2_500 } });
    for (const check of late) check();
    expect(engine.books.checks.take().map(({ name, op, total, failed }) => [name, op, total, failed])).toEqual([['in time', 'look', counts['look']?.[0], 0]]);
  });
});

it('keeps due times on the sum of its pauses for any replies in time', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 6 }), fc.integer({ min: 0, max: 2_000 }), async (pauses, latencyMs) => {
      const { history } = await simulate(async (user) => {
        await get(user, '/first');
        for (const pause of pauses) {
          await user.think(pause);
          await get(user, '/next');
        }
      }, { latencyMs: () => latencyMs, plan: { holdMs: 3_000 } });
      const first = history[0]!.dueMs;
      let sum = 0;
      for (const [n, { dueMs }] of history.slice(0, pauses.length + 1).entries()) {
        if (n > 0) sum += pauses[n - 1]!;
        expect(dueMs).toBeCloseTo(first + sum, 6);
      }
    }),
    { numRuns: 15 },
  );
});
