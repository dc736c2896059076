import { expect, it } from 'vitest';
import { simulate } from '../fixtures/simulate.ts';
import type { FunctionJourney } from '../scenario.ts';

type Run = FunctionJourney<never>['run'];
const never = (): Promise<void> => new Promise(() => undefined);

it.each<[string, Run, Record<string, readonly [number, number]>]>([
  ['before any request', never, {}],
  ['after a reply', async ({ http }) => { await http.request({ method: 'GET', path: '/a' }); await never(); }, { 'GET /a': [1, 0] }],
  ['after a pause', async ({ think }) => { await think(10); await never(); }, {}],
])('counts an iteration that waits for what never comes %s', async (_when, run, counts) => {
  const { counts: counted, errors, engine } = await simulate(run);
  expect(counted).toEqual(counts);
  expect(errors).toMatchObject([{ kind: 'never ended', op: 'only', count: 1 }]);
  expect([engine.finished, engine.inFlight]).toEqual([true, 0]);
});

it('counts neither an iteration that ends, nor one that waits for a reply or in a group', async () => {
  const quick = await simulate(() => Promise.resolve());
  expect(quick.errors).toEqual([]);
  const waiting = await simulate(async ({ http }) => void (await http.request({ method: 'GET', path: '/a' })), { latencyMs: () => Number.POSITIVE_INFINITY });
  expect(waiting.errors.map(({ kind }) => kind)).toEqual(['timeout']);
  const grouped = await simulate(({ group }) => group('shop', never));
  expect(grouped.errors.map(({ kind, op }) => [kind, op])).toEqual([['unfinished', 'shop']]);
});
