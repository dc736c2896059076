import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { nicenessOf, setNiceness } from './niceness.ts';

const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0)) await end();
});

/** A process that waits; in a session of its own when detached. */
async function startIdler(detached: boolean): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log()'], { detached, stdio: ['ignore', 'pipe', 'ignore'] });
  endings.push(() => {
    child.kill('SIGKILL');
    return once(child, 'close');
  });
  await once(child.stdout, 'data');
  return child.pid ?? 0;
}

const groupOf = (pid: number | 'self'): string => readFileSync(`/proc/${pid}/autogroup`, 'utf8').trim();

describe('niceness', () => {
  it('is set on the process, and on the session that it leads', async () => {
    const pid = await startIdler(true);
    expect(setNiceness(pid, 7)).toBe(true);
    expect(nicenessOf(pid)).toBe(7);
    if (existsSync('/proc/self/autogroup')) expect(groupOf(pid)).toMatch(/ nice 7$/);
  });

  it('leaves the session alone that others lead', async () => {
    const pid = await startIdler(false);
    const before = existsSync('/proc/self/autogroup') ? groupOf('self') : '';
    expect(setNiceness(pid, 7)).toBe(true);
    expect(nicenessOf(pid)).toBe(7);
    if (before !== '') expect(groupOf(pid)).toBe(before);
  });

  it('says no of a process that is not there', () => {
    expect(setNiceness(2 ** 22 + 1, 7)).toBe(false);
    expect(nicenessOf(2 ** 22 + 1)).toBe(0);
  });
});
