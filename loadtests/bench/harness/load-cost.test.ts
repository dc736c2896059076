import { describe, expect, it } from 'vitest';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import type { Client } from './clients.ts';
import { measureLoad, withRunsFolder } from './load-cost.ts';
import { measureCommand } from './measured-command.ts';
import { inTurns, ratioRow } from './ratio.ts';

const host = createNodeHost();

/** A generator that asks the target once and says that it had so many replies, of which so many failed. */
const client = (requests: number, failed: number): Client => ({
  name: 'asker',
  command: ({ target }) => [host.process.execPath, '-e', `fetch('${target}/').then((reply) => reply.text()).then((text) => console.log(JSON.stringify({ text, requests: ${requests}, failed: ${failed} })))`],
  count: (stdout) => JSON.parse(stdout) as { requests: number; failed: number },
});
const load = { kind: 'bare', users: 1, seconds: 2 } as const;

describe('the cost of a load', () => {
  it('is the CPU time of the whole command for each request', async () => {
    const cost = await measureLoad(host, client(1_000, 0), load);
    expect(cost).toMatchObject({ requests: 1_000, requestsPerS: 500, cpuUsPerRequest: cost.cpuUs / 1_000 });
    expect(cost.cpuUs).toBeGreaterThan(0);
  });

  it('is none where a request failed or none was made', async () => {
    await expect(measureLoad(host, client(1_000, 3), load)).rejects.toThrow('3 of 1000 requests of asker (bare, 1 users) failed, and none may');
    await expect(measureLoad(host, client(0, 0), load)).rejects.toMatchObject({ code: 'bench_failed' });
  });

  it('leaves no folder of runs behind', async () => {
    const folder = await withRunsFolder(host, async (home) => {
      expect(host.files.exists(home)).toBe(true);
      return home;
    });
    expect(host.files.exists(folder)).toBe(false);
  });
});

describe('a measured command', () => {
  const play = (source: string, timeoutMs = 20_000): ReturnType<typeof measureCommand> => measureCommand(host, [host.process.execPath, '-e', source], { timeoutMs });

  it('keeps what it printed apart from what the shell’s time says', async () => {
    expect(await play('console.log("out"); console.error("err")')).toMatchObject({ stdout: 'out\n', stderr: 'err\n', exitCode: 0 });
  });

  it('that fails or takes too long is named with its last words', async () => {
    await expect(play('console.error("no server"); process.exitCode = 3')).rejects.toThrow(/ -e .* ended with 3: no server/s);
    await expect(play('setInterval(() => undefined, 1_000)', 300)).rejects.toThrow('took longer than 0.3 s');
  });
});

describe('a ratio', () => {
  const found = { kind: 'found', client: { ...client(1, 0), name: 'wrk' } } as const;

  it('compares round by round and keeps its limit', () => {
    expect(ratioRow({ group: 'cost', figure: 'CPU/request', must: { atMost: 1.5 } }, found, [10, 12, 18], [10, 10, 9])).toEqual(
      { group: 'cost', name: 'sora / wrk', unit: 'times, CPU/request', must: { atMost: 1.5 }, median: 1.2, low: 1, high: 2 });
  });

  it('says why there is none', () => {
    const missing = { kind: 'missing', name: 'k6', why: 'k6 is not installed' } as const;
    expect(ratioRow({ group: 'cost', figure: 'CPU/request' }, missing, [1], [])).toEqual({ group: 'cost', name: 'sora / k6', unit: 'times, CPU/request', unmeasured: 'k6 is not installed' });
  });

  it('takes turns, so that a disturbance meets all alike', async () => {
    const order: string[] = [];
    const valuesOf = await inTurns([{ name: 'a' }, { name: 'b' }], 2, ({ name }, round) => Promise.resolve(order.push(`${name}${round}`)));
    expect(order).toEqual(['a1', 'b1', 'a2', 'b2']);
    expect([valuesOf('a'), valuesOf('b'), valuesOf('c')]).toEqual([[1, 3], [2, 4], []]);
  });
});
