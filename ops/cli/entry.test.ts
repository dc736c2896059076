import { existsSync, mkdtempSync, rmSync, watch, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { SignalName } from '../core/host.ts';
import { createTestHost } from '../core/test-host.ts';
import { runEntry } from './entry.ts';

const root = mkdtempSync(join(tmpdir(), 'sora-entry-'));
afterAll(() => rmSync(root, { recursive: true }));

// Ends itself at its second signal, and leaves a mark at each.
writeFileSync(join(root, 'entry.mjs'), `import { writeFileSync } from 'node:fs';
let count = 0;
process.on('SIGINT', () => { writeFileSync(process.argv[2] + ++count, ''); if (count === 2) process.exit(105); });
setInterval(() => undefined, 1_000);
writeFileSync(process.argv[2] + count, '');`);

/** A run of the entry whose signals and clock are the test's. */
function begin(name: string, hurryMs?: number) {
  const host = createTestHost();
  const listeners = new Set<() => void>();
  const onSignal = (signal: SignalName, run: () => void): (() => void) => {
    if (signal === 'SIGINT') listeners.add(run);
    return () => void listeners.delete(run);
  };
  const context = { host: { ...host, process: { ...host.process, onSignal } }, root, home: root, topology: '' };
  const marks = join(root, name);
  const ended = runEntry(context, 'entry.mjs', [marks], hurryMs === undefined ? {} : { hurryMs });
  const reached = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const watcher = watch(root, () => look());
      const look = (): void => {
        if (!existsSync(marks + count)) return;
        watcher.close();
        resolve();
      };
      look();
    });
  const interrupt = (): void => listeners.forEach((listener) => listener());
  return { host, ended, reached, interrupt };
}

it('passes a second interrupt on where it may write what it has, and takes one that comes twice at once for one', async () => {
  const { host, ended, reached, interrupt } = begin('hurried', 1_000);
  await reached(0);
  await host.advance(1_000);
  interrupt();
  await host.advance(100);
  interrupt();
  await reached(1);
  expect(existsSync(join(root, 'hurried2'))).toBe(false);
  await host.advance(200);
  interrupt();
  expect(await ended).toMatchObject({ exitCode: 105, interrupted: true });
  expect(existsSync(join(root, 'hurried2'))).toBe(true);
});

it('kills at a second interrupt otherwise, and what outlasts its grace after the first', async () => {
  for (const hurryMs of [undefined, 1_000]) {
    const name = `killed-${String(hurryMs)}-`;
    const { host, ended, reached, interrupt } = begin(name, hurryMs);
    await reached(0);
    await host.advance(1_000);
    interrupt();
    await reached(1);
    if (hurryMs === undefined) {
      await host.advance(200);
      interrupt();
    } else await host.advance(120_000);
    expect(await ended).toMatchObject({ exitCode: 105, interrupted: true });
    expect(existsSync(join(root, `${name}2`))).toBe(false);
  }
});
