import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createNodeHost } from '../ops/core/node-host.ts';
import { openPlaces, badInputs, checkBadInput } from './drills/bad-input.ts';

const places = await openPlaces();
afterAll(() => places.close());

test.concurrent.each(badInputs(places.ports).map((input) => [input.name, input] as const))('%s: one clear message, nothing else, nothing left', async (_name, input) => {
  const checks = await checkBadInput(createNodeHost(), join(import.meta.dirname, '..'), join(places.home, input.name.replaceAll(/\W+/g, '-')), input);
  expect(checks.filter(({ ok }) => !ok)).toEqual([]);
});
