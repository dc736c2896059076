import { describe, expect, it } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import type { TestHost } from '../../ops/core/test-host.ts';
import { secondOf } from './fixture.ts';
import { Outbox, TryLater } from './outbox.ts';
import type { OutputReport, Sink } from './outbox.ts';

interface Rig { readonly host: TestHost; readonly outbox: Outbox; readonly taken: string[]; readonly said: string[] }

/** An output whose edge is `deliver`; what it took is listed. */
function rigOf(deliver: (text: string, signal: AbortSignal) => Promise<void>, ending?: string): Rig {
  const host = createTestHost();
  const taken: string[] = [];
  const said: string[] = [];
  const sink: Sink = {
    encode: ({ second }) => {
      if (second === 99) throw new Error('cannot be written down');
      return Buffer.from(String(second));
    },
    ...(ending === undefined ? {} : { ending: () => Buffer.from(ending) }),
    deliver: async (payload, signal) => {
      await deliver(payload.toString(), signal);
      taken.push(payload.toString());
    },
    release: () => Promise.resolve(),
  };
  return { host, taken, said, outbox: new Outbox({ host, kind: 'otlp', target: 'http://x', sink, log: (message) => said.push(message) }) };
}

const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 1_000; turn++) await Promise.resolve();
};

async function closeAfter({ host, outbox }: Rig, passMs: number): Promise<OutputReport> {
  const closing = outbox.close();
  await settle();
  await host.advance(passMs);
  return await closing;
}

describe('an output', () => {
  it('hands over seconds in order, and what ends them', async () => {
    const rig = rigOf(() => Promise.resolve(), 'end');
    for (const second of [0, 1, 2]) rig.outbox.write(secondOf(second));
    await settle();
    rig.outbox.write(secondOf(3));
    expect(await closeAfter(rig, 0)).toEqual({ kind: 'otlp', target: 'http://x', writtenSeconds: 4, droppedSeconds: 0 });
    expect(rig.taken).toEqual(['0', '1', '2', '3', 'end']);
  });

  it('tries again with longer and longer pauses, and keeps the order', async () => {
    let fails = 3;
    const rig = rigOf(() => (fails-- > 0 ? Promise.reject(new TryLater('answered 503')) : Promise.resolve()));
    rig.outbox.write(secondOf(0));
    rig.outbox.write(secondOf(1));
    await settle();
    await rig.host.advance(500 + 1_000);
    expect([rig.taken, fails]).toEqual([[], 0]);
    await rig.host.advance(2_000);
    await settle();
    expect(rig.taken).toEqual(['0', '1']);
    expect(rig.said).toEqual(['output otlp to http://x: answered 503; the run goes on, and what cannot be written is counted']);
    expect(await closeAfter(rig, 0)).toMatchObject({ writtenSeconds: 2, droppedSeconds: 0, error: 'answered 503' });
  });

  it('waits as long as the receiver asks, but never over 10 s', async () => {
    const asked = [3_000, 86_400_000];
    const rig = rigOf(() => {
      const afterMs = asked.shift();
      return afterMs === undefined ? Promise.resolve() : Promise.reject(new TryLater('answered 429', afterMs));
    });
    rig.outbox.write(secondOf(0));
    await settle();
    await rig.host.advance(2_999);
    expect(asked).toHaveLength(1);
    await rig.host.advance(1);
    expect(asked).toHaveLength(0);
    await rig.host.advance(10_000);
    await settle();
    expect(rig.taken).toEqual(['0']);
    await closeAfter(rig, 0);
  });

  it('keeps the newest 60 seconds while it is down, counts the rest, and ends in 5 s', async () => {
    const rig = rigOf(() => Promise.reject(new TryLater('ECONNREFUSED')));
    for (let second = 0; second < 90; second++) {
      rig.outbox.write(secondOf(second));
      await rig.host.advance(1_000);
    }
    expect(await closeAfter(rig, 5_000)).toEqual({ kind: 'otlp', target: 'http://x', writtenSeconds: 0, droppedSeconds: 90, error: 'ECONNREFUSED' });
  });

  it('that hangs does not hold the run back', async () => {
    const rig = rigOf((_text, signal) => new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new TryLater('given up')))));
    for (let second = 0; second < 200; second++) rig.outbox.write(secondOf(second));
    expect(await closeAfter(rig, 5_000)).toMatchObject({ writtenSeconds: 0, droppedSeconds: 200 });
  });

  it('delivers the newest once it is back, oldest first', async () => {
    let down = true;
    const rig = rigOf(() => (down ? Promise.reject(new TryLater('down')) : Promise.resolve()));
    for (let second = 0; second < 70; second++) rig.outbox.write(secondOf(second));
    await settle();
    down = false;
    await rig.host.advance(10_000);
    await settle();
    expect(rig.taken).toEqual(Array.from({ length: 60 }, (_, index) => String(index + 10)));
    expect(await closeAfter(rig, 0)).toMatchObject({ writtenSeconds: 60, droppedSeconds: 10 });
  });

  it('gives up what is refused for good, and what cannot be written down, and goes on', async () => {
    const rig = rigOf((text) => (text === '1' ? Promise.reject(new Error('answered 400')) : Promise.resolve()));
    for (const second of [0, 1, 99, 2]) rig.outbox.write(secondOf(second));
    await settle();
    expect(await closeAfter(rig, 0)).toMatchObject({ writtenSeconds: 2, droppedSeconds: 2 });
    expect(rig.taken).toEqual(['0', '2']);
  });
});
