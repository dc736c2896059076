import { describe, expect, it } from 'vitest';
import { MemorySource } from '../../metricstore/memory-source.ts';
import { measureImpact } from './impact.ts';

const source = new MemorySource();
source.add({ __name__: 'failed', instance: 'a' }, 0, 1_000);
source.add({ __name__: 'failed', instance: 'b' }, 0, 234.4);
source.add({ __name__: 'share' }, 0, 0.01234);
source.add({ __name__: 'part' }, 0, 40.3);
const measure = (text: string): Promise<string | undefined> => measureImpact(text, { source, externalLabels: {}, externalUrl: '', query: {} }, 0);

describe('measureImpact', () => {
  it('gives the figure of a query with what its comment says it counts', async () => {
    expect(await measure('failed # requests in 5 min')).toBe('1,234 requests in 5 min');
    expect(await measure('sum(failed{instance="a"})')).toBe('1,000');
    expect(await measure('share # of users')).toBe('0.0123 of users');
    expect(await measure('failed{instance="b"} / 10 # s')).toBe('23.4 s');
    expect(await measure('failed{instance="b"} / 10')).toBe('23.4');
  });

  it('gives whole things, as rates extrapolate, and fractions of a measure', async () => {
    expect(await measure('part # requests in 1 min')).toBe('40 requests in 1 min');
    expect(await measure('part # bad events in 1h')).toBe('40 bad events in 1h');
    expect(await measure('part # s')).toBe('40.3 s');
    expect(await measure('part / 100 # requests')).toBe('1 requests');
  });

  it('gives none where the query fails or finds nothing', async () => {
    expect(await measure('nothing # requests')).toBeUndefined();
    expect(await measure('failed / ignoring(instance) failed')).toBeUndefined();
    expect(await measure('')).toBeUndefined();
  });

  it('lets a text that a template made stand for itself', async () => {
    expect(await measure('12 requests')).toBe('12 requests');
    expect(await measure('42')).toBe('42');
  });
});
