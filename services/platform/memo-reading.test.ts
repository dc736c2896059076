import { describe, expect, it } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import { memoReading } from './memo-reading.ts';

describe('memoReading', () => {
  it('reads anew only after the memo has run out', async () => {
    const host = createTestHost();
    let reads = 0;
    const read = memoReading(host, () => Promise.resolve(++reads));
    expect(await Promise.all([read(), read(), read()])).toEqual([1, 1, 1]);
    await host.advance(1_999);
    expect(await read()).toBe(1);
    await host.advance(1);
    expect(await read()).toBe(2);
  });

  it('answers undefined for a reading that hangs, starts no second one beside it, and takes its value when it ends', async () => {
    const host = createTestHost();
    let reads = 0;
    let finish: (value: string) => void = () => undefined;
    const read = memoReading(host, () => new Promise<string>((resolve) => {
      reads++;
      finish = resolve;
    }));
    for (let scrape = 0; scrape < 3; scrape++) {
      const value = read();
      await host.advance(5_000);
      expect(await value).toBeUndefined();
    }
    expect(reads).toBe(1);
    const late = read();
    finish('late');
    expect(await late).toBe('late');
    const fresh = read();
    finish('fresh');
    expect(await fresh).toBe('fresh');
    expect(reads).toBe(2);
  });

  it('answers undefined for one that fails, and tries again', async () => {
    const host = createTestHost();
    let isDown = true;
    const read = memoReading(host, () => (isDown ? Promise.reject(new Error('down')) : Promise.resolve('up')));
    expect(await read()).toBeUndefined();
    isDown = false;
    await host.advance(2_000);
    expect(await read()).toBe('up');
  });
});
