import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import { scenario, type Scenario } from './scenario.ts';
import { setUp, tearDown } from './set-up.ts';

const context = { target: 'http://127.0.0.1:1', users: 3, seed: 1, runId: 'aabbccdd', adminSecret: undefined };
const never = (): Promise<never> => new Promise(() => undefined);
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

function stuck(change: Partial<Pick<Scenario, 'setup' | 'teardown' | 'timeouts'>>): Scenario<never> {
  return scenario({
    name: 'stuck', description: '', users: 3, rampMs: 0, holdMs: 1, thinkTimeMs: { kind: 'constant', value: 1 }, thresholds: {},
    journeys: [{ name: 'none', weight: 1, steps: [{ op: 'none', run: () => Promise.resolve() }] }],
    ...change,
  }) as unknown as Scenario<never>;
}

/** A server that takes requests and answers none; says when one has come. */
async function silent(): Promise<{ target: string; asked: Promise<unknown> }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return { target: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: once(server, 'request') };
}

describe('setup', () => {
  it('ends as a scenario error when it takes longer than it may: 10 minutes, or what the scenario says', async () => {
    for (const [timeouts, limitMs, words] of [[{}, 600_000, '10m'], [{ setupMs: 2_000 }, 2_000, '2s']] as const) {
      const host = createTestHost();
      let seen: AbortSignal | undefined;
      const begun = Promise.withResolvers<void>();
      const setup: Scenario['setup'] = ({ signal }) => {
        seen = signal;
        begun.resolve();
        return never();
      };
      const ended = setUp(stuck({ timeouts, setup }), { host }, context).catch((error: unknown) => error);
      await begun.promise;
      await host.advance(limitMs - 1);
      expect(seen?.aborted).toBe(false);
      await host.advance(1);
      expect(await ended).toMatchObject({
        code: 'scenario_error', exitCode: 107, message: `setup of stuck did not end within ${words}`, hint: expect.stringContaining('timeouts.setupMs') as string,
      });
      expect(seen?.aborted).toBe(true);
    }
  });

  it('is given up at an interrupt, its request under way too, and what it throws then is nobody’s', async () => {
    const { target, asked } = await silent();
    const interrupt = new AbortController();
    let threw: unknown;
    const setup: Scenario['setup'] = async ({ http }) => {
      await http.request({ method: 'GET', path: '/' }).catch((error: unknown) => (threw = error));
      throw new Error('too late to matter');
    };
    const ended = setUp(stuck({ setup }), { host: createTestHost(), signal: interrupt.signal }, { ...context, target });
    await asked;
    interrupt.abort();
    expect(await ended).toBeUndefined();
    await Promise.resolve();
    expect(threw).toMatchObject({ message: expect.stringContaining('the run ended') as string });
  });

  it('does not begin after an interrupt', async () => {
    let begun = false;
    expect(await setUp(stuck({ setup: () => ((begun = true), never()) }), { host: createTestHost(), signal: AbortSignal.abort() }, context)).toBeUndefined();
    expect(begun).toBe(false);
  });

  it('leaves no timer when it ends in time', async () => {
    const host = createTestHost();
    let seen: AbortSignal | undefined;
    expect(await setUp(stuck({ setup: ({ signal }) => ((seen = signal), Promise.resolve(7)) }), { host }, context)).toBe(7);
    await host.advance(3_600_000);
    expect(seen?.aborted).toBe(false);
  });
});

describe('teardown', () => {
  it('is left when it takes longer than it may: a minute, or what the scenario says', async () => {
    for (const [timeouts, limitMs, words] of [[{}, 60_000, '1m'], [{ teardownMs: 500 }, 500, '500ms']] as const) {
      const host = createTestHost();
      const said: string[] = [];
      const ended = tearDown(stuck({ timeouts, teardown: never }), { host }, context, (message) => said.push(message));
      await host.advance(limitMs);
      expect(await ended).toEqual({ kind: 'timeout', message: `teardown of stuck did not end within ${words}, and was left` });
      expect(said).toEqual([`teardown of stuck did not end within ${words}, and was left; timeouts.teardownMs of the scenario gives it longer`]);
    }
  });

  it('is left at once when the run is to end at once', async () => {
    const hurry = new AbortController();
    const said: string[] = [];
    const ended = tearDown(stuck({ teardown: never }), { host: createTestHost(), signal: hurry.signal }, context, (message) => said.push(message));
    hurry.abort();
    expect(await ended).toBeUndefined();
    expect(said).toEqual(['teardown of stuck was left at once']);
  });

  it('answers what it threw', async () => {
    const said: string[] = [];
    const ended = tearDown(stuck({ teardown: () => Promise.reject(new RangeError('no row 7')) }), { host: createTestHost() }, context, (message) => said.push(message));
    expect(await ended).toEqual({ kind: 'throw: RangeError', message: 'teardown of stuck threw: no row 7' });
    expect(said).toEqual(['teardown of stuck threw: no row 7']);
  });
});
