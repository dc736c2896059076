import { describe, expect, it } from 'vitest';
import type { NewEvent } from '../../core/event-log/event.ts';
import { MemorySource } from '../../metricstore/memory-source.ts';
import { measureImpact } from './impact.ts';
import { rehearsalAt, trackRun } from './rehearsal.ts';
import type { OpenRuns } from './rehearsal.ts';

const source = new MemorySource();
source.add({ __name__: 'failed', instance: 'a' }, 0, 1_000);
source.add({ __name__: 'failed', instance: 'b' }, 0, 234.4);
source.add({ __name__: 'share' }, 0, 0.01234);
const measure = (text: string): Promise<string | undefined> => measureImpact(text, { source, externalLabels: {}, externalUrl: '', query: {} }, 0);

describe('measureImpact', () => {
  it('gives the figure of a query with what its comment says it counts', async () => {
    expect(await measure('failed # requests in 5 min')).toBe('1,234 requests in 5 min');
    expect(await measure('sum(failed{instance="a"})')).toBe('1,000');
    expect(await measure('share # of users')).toBe('0.0123 of users');
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

describe('rehearsalAt', () => {
  const run = (runId: string, phase: 'started' | 'ended', atMs: number): NewEvent => ({ atMs, actor: 'sora', details: { kind: 'load-run', phase, runId, scenario: 's', summary: '' } });
  const fault = (drillId: string | undefined, phase: 'started' | 'ended', atMs: number): NewEvent => ({ atMs, actor: 'sora', details: { kind: 'fault', phase, faultId: 'f', fault: 'kill', target: 'api', ...(drillId === undefined ? {} : { drillId }) } });
  const after = (events: readonly NewEvent[]): OpenRuns => events.reduce<OpenRuns>(trackRun, []);

  it('is the run that was begun last of those under way', () => {
    expect(rehearsalAt(after([run('a', 'started', 0), run('b', 'started', 5)]), 10)).toBe('b');
    expect(rehearsalAt(after([run('a', 'started', 0), run('b', 'started', 5), run('b', 'ended', 6)]), 10)).toBe('a');
    expect(rehearsalAt(after([run('a', 'started', 0), run('a', 'ended', 6)]), 10)).toBeUndefined();
  });

  it('counts faults of drills, and no others', () => {
    expect(rehearsalAt(after([fault('d', 'started', 0)]), 10)).toBe('d');
    expect(rehearsalAt(after([fault(undefined, 'started', 0)]), 10)).toBeUndefined();
    expect(rehearsalAt(after([fault('d', 'started', 0), fault('d', 'started', 1), fault('d', 'ended', 2)]), 10)).toBe('d');
  });

  it('takes a run whose end was never told for over after a day', () => {
    expect(rehearsalAt(after([run('a', 'started', 0)]), 25 * 3_600_000)).toBeUndefined();
  });
});
