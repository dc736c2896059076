import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createTestHost } from '../core/test-host.ts';
import { RawStore } from './raw-store/raw-store.ts';
import { readRecording, writeRecording } from './recording.ts';

const folder = mkdtempSync(join(tmpdir(), 'sora-recording-'));
afterAll(() => rmSync(folder, { recursive: true }));
const { files } = createTestHost();
const path = join(folder, 'run.samples');
const originMs = Date.UTC(2026, 0, 1);

function filled(): RawStore {
  const store = new RawStore();
  store.setMetadata({ name: 'm', type: 'counter', help: 'So many', unit: '' });
  for (let index = 0; index < 700; index++) {
    const atMs = originMs + index * 5_000;
    store.append([
      { labels: { __name__: 'm', x: '1' }, atMs, value: index * 3 },
      { labels: { __name__: 'm', x: '2' }, atMs, value: index / 7, isStale: index % 100 === 99 },
      { labels: { __name__: 'n' }, atMs, value: [Number.NaN, Infinity, -0][index % 3] ?? 0 },
    ], 'rules');
  }
  return store;
}

describe('a recording', () => {
  it('answers as the store did', async () => {
    const store = filled();
    const span = { fromMs: originMs + 100_000, toMs: originMs + 3_000_000 };
    expect(await writeRecording(files, path, store, span)).toEqual({ series: 3, samples: 3 * 581 });
    const recorded = readRecording(files, path);
    expect(recorded.span).toMatchObject(span);
    expect(await recorded.metadata('m')).toEqual(await store.metadata('m'));
    for (const asked of [span, { fromMs: originMs + 500_000, toMs: originMs + 500_000 }]) {
      for (const matchers of [[], [{ name: 'x', operator: '=~' as const, value: '.+' }]]) {
        expect(await recorded.select(matchers, asked)).toEqual(await store.select(matchers, asked));
        expect(await recorded.series([matchers], asked)).toEqual(await store.series([matchers], asked));
      }
    }
    expect(await recorded.labelNames([], span)).toEqual(['__name__', 'x']);
    expect(await recorded.labelValues('x', [], span)).toEqual(['1', '2']);
    expect(await recorded.select([], { fromMs: 0, toMs: originMs })).toEqual([]);
  });

  it('holds no more samples than allowed', async () => {
    await expect(writeRecording(files, path, filled(), { fromMs: 0, toMs: Number.MAX_SAFE_INTEGER }, [], { samplesMax: 10 })).rejects.toThrow('2100 samples are more than the 10');
  });

  it('that is damaged is refused by line', () => {
    files.writeText(path, '{"format":"sora-samples","version":1,"fromMs":0,"toMs":1}\n{"labels":{}}\n');
    expect(() => readRecording(files, path)).toThrow('line 2 is no recording of samples');
  });
});
