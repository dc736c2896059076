import { expect, it } from 'vitest';
import { createTestHost } from '../../core/test-host.ts';
import { Gate } from './gate.ts';

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('lets two questions be answered at once, others wait in order, and refuses those beyond', async () => {
  const gate = new Gate(createTestHost(), { waitingMax: 2 });
  const begun: number[] = [];
  const ends = new Map<number, () => void>();
  const ask = (name: number): Promise<number> => gate.run(() => new Promise((resolve) => {
    begun.push(name);
    ends.set(name, () => resolve(name));
  }));
  const asked = [ask(1), ask(2), ask(3), ask(4)];
  await expect(ask(5)).rejects.toMatchObject({ code: 'unavailable', status: 503 });
  await settle();
  expect(begun).toEqual([1, 2]);
  for (const name of [2, 1, 3, 4]) {
    ends.get(name)?.();
    await settle();
  }
  expect(begun).toEqual([1, 2, 3, 4]);
  expect(await Promise.all(asked)).toEqual([1, 2, 3, 4]);
  const again = ask(6);
  ends.get(6)?.();
  expect(await again).toBe(6);
});

it('does not let one wait for ever, and gives back the place of one that failed', async () => {
  const host = createTestHost();
  const gate = new Gate(host, { runningMax: 1 });
  const end = Promise.withResolvers<void>();
  const hanging = gate.run(() => end.promise);
  const late = expect(gate.run(() => 'late')).rejects.toMatchObject({ status: 503 });
  await host.advance(10_000);
  await late;
  end.reject(new Error('broke'));
  await expect(hanging).rejects.toThrow('broke');
  expect(await gate.run(() => 'next')).toBe('next');
});
