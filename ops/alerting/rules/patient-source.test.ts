import { expect, test } from 'vitest';
import { createTestHost } from '../../core/test-host.ts';
import { MemorySource } from '../../metricstore/memory-source.ts';
import type { Matcher, SeriesSamples, TimeSpan } from '../../metricstore/series.ts';
import { patientSource } from './patient-source.ts';

const hourMs = 3_600_000;
const up: readonly Matcher[] = [{ name: '__name__', operator: '=', value: 'up' }];

/** Answers at once from memory what is of the last 2 h, and the rest when told. */
class Halves extends MemorySource {
  readonly asked: { readonly answer: () => void; readonly fail: (error: Error) => void }[] = [];
  readonly #nowMs: () => number;

  constructor(nowMs: () => number) {
    super();
    this.#nowMs = nowMs;
  }

  override async select(matchers: readonly Matcher[], span: TimeSpan): Promise<readonly SeriesSamples[]> {
    if (this.#nowMs() - span.fromMs > 2 * hourMs) await new Promise<void>((answer, fail) => this.asked.push({ answer, fail }));
    return await super.select(matchers, span);
  }
}

test('a read that hangs holds up others that look back as far for 10 s in all, and recent ones not at all', async () => {
  const host = createTestHost();
  const halves = new Halves(() => host.clock.nowMs());
  halves.add({ __name__: 'up' }, host.clock.nowMs() - 60_000, 1);
  const source = patientSource(host, halves);
  const read = (hours: number) => source.select(up, { fromMs: host.clock.nowMs() - hours * hourMs, toMs: host.clock.nowMs() });
  const slow = read(6);
  const failed = expect(slow).rejects.toMatchObject({ code: 'samples_unanswered', message: 'samples of the last 360 min were asked for and did not come within 10 s', status: 503 });
  expect(await read(1)).toHaveLength(1);
  await host.advance(10_000);
  await failed;
  await expect(read(24)).rejects.toMatchObject({ code: 'samples_unanswered' });
  expect(await read(1)).toHaveLength(1);
  expect(halves.asked).toHaveLength(1);

  // It answers in the end, or the database's driver gives up: then it is asked again.
  halves.asked[0]?.fail(new Error('Query read timeout'));
  await new Promise(setImmediate);
  const again = read(24);
  await new Promise(setImmediate);
  halves.asked[1]?.answer();
  expect(await again).toHaveLength(1);
  await expect(Promise.all([read(24), Promise.resolve().then(() => halves.asked[2]?.fail(new Error('refused')))])).rejects.toThrow('refused');
});
