import { expect, test } from 'vitest';
import { createTestHost } from '../../ops/core/test-host.ts';
import { FakeNetwork } from './fake-network.ts';
import { HealthProbe, probePeriodMs } from './health.ts';
import { Upstream } from './upstream.ts';

const reply = (status: number): string => `HTTP/1.1 ${status} x\r\nContent-Length: 0\r\n\r\n`;

function build(answers: (number | 'silence')[]): { upstream: Upstream; step: () => Promise<boolean>; network: FakeNetwork } {
  const host = createTestHost();
  const network = new FakeNetwork(() => {
    const answer = answers.shift() ?? 'silence';
    return answer === 'silence' ? [] : [reply(answer)];
  });
  const upstream = new Upstream('a', { kind: 'tcp', host: '127.0.0.1', port: 1 }, network, () => host.clock.monotonicMs());
  const probe = new HealthProbe(upstream, () => host.clock.monotonicMs());
  const step = async (): Promise<boolean> => {
    probe.run();
    network.settle();
    await host.advance(probePeriodMs);
    return upstream.isUp;
  };
  return { upstream, step, network };
}

test('down until ready, down after two failures in a row, up with the next success', async () => {
  const { step, network } = build([503, 503, 200, 503, 200, 503, 503, 200]);
  const seen: boolean[] = [];
  for (let count = 0; count < 8; count++) seen.push(await step());
  expect(seen).toEqual([false, false, true, true, true, true, false, true]);
  expect(network.requests[0]).toMatch(/^GET \/readyz HTTP\/1\.1\r\n/);
});

test('silence means down only after ten seconds', async () => {
  const { step } = build([200]);
  const seen: boolean[] = [];
  for (let count = 0; count < 23; count++) seen.push(await step());
  expect(seen.indexOf(false)).toBe(21);
});
