/** `kill -9` of the evaluator in every state of an alert's life, on a real PostgreSQL: nothing is forgotten. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../../tests/database.ts';
import { openControlDatabase } from '../../control/database.ts';
import { createEventLog } from '../../core/event-log/log.ts';
import { createNodeHost } from '../../core/node-host.ts';
import type { RoutedAlert } from '../alert.ts';

const host = createNodeHost();
const stepMs = 15_000;
const startMs = Date.UTC(2026, 0, 1);
const rules = `
groups:
  - name: lives
    rules: [{alert: Down, expr: up == 0, for: 30s, keep_firing_for: 30s, labels: {severity: critical}}]
`;

interface Answer { readonly told: { readonly isChanged: boolean; readonly alerts: readonly RoutedAlert[] }[]; readonly nowMs: number }

class Evaluator {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(url: string, nowMs: number, path: string) {
    const script = join(import.meta.dirname, 'fixture/evaluator-process.ts');
    this.child = spawn(host.process.execPath, [script, url, String(nowMs), path], { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#lines = createInterface({ input: this.child.stdout as NodeJS.ReadableStream })[Symbol.asyncIterator]();
  }

  async ready(): Promise<Answer['told']> {
    return (await this.#until(/^ready$/)).told;
  }

  async step(value: string): Promise<Answer> {
    this.child.stdin?.write(`${value}\n`);
    return await this.#until(/^done (\d+)$/);
  }

  async kill(): Promise<void> {
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }

  async #until(end: RegExp): Promise<Answer> {
    const told: Answer['told'] = [];
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done === true) throw new Error('the evaluator ended');
      const found = end.exec(value);
      if (found !== null) return { told, nowMs: Number(found[1] ?? 0) };
      told.push(JSON.parse(value) as Answer['told'][number]);
    }
  }
}

const folder = mkdtempSync(join(tmpdir(), 'sora-rules-'));
const path = join(folder, 'rules.yaml');
let template: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  writeFileSync(path, rules);
  template = await createTestDatabase({ migrate: false });
});
afterAll(async () => {
  await template[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

/** Plays a history on an empty database; `killAfter` says after which steps the process is killed and started anew. */
async function play(values: readonly string[], killAfter: (step: number) => boolean, isKilledWithin?: (step: number) => boolean): Promise<{ events: string[]; told: string[] }> {
  const database = openControlDatabase(host, template.url);
  try {
    await database.pool.query('drop schema public cascade; create schema public');
    await database.migrate();
    let nowMs = startMs;
    const told: string[] = [];
    let evaluator = new Evaluator(template.url, nowMs, path);
    await evaluator.ready();
    for (const [step, value] of values.entries()) {
      if (isKilledWithin?.(step) === true) {
        evaluator.child.stdin?.write(`${value}\n`);
        nowMs += stepMs;
      } else {
        const answer = await evaluator.step(value);
        nowMs = answer.nowMs;
        told.push(...answer.told.filter(({ isChanged }) => isChanged).flatMap(({ alerts }) => alerts.map(({ status }) => `${step} ${status}`)));
        if (!killAfter(step)) continue;
      }
      await evaluator.kill();
      evaluator = new Evaluator(template.url, nowMs, path);
      await evaluator.ready();
    }
    await evaluator.kill();
    const events = await createEventLog(database.pool).read({ kinds: ['alert'] });
    return { events: events.map(({ atMs, details }) => (details.kind === 'alert' ? `${Math.floor((atMs - startMs) / stepMs)} ${details.from}>${details.to} since ${Math.floor((details.activeAtMs - startMs) / stepMs)}` : '')), told };
  } finally {
    await database.close();
  }
}

// Up, pending, firing, kept firing, resolved, pending once more and gone, pending and firing again.
const history = ['1', '0', '0', '0', '0', '1', '1', '1', '1', '0', '1', '0', '0', '0', '0', '1', '1', '1', '1'];

describe('an evaluator that is killed', () => {
  it('goes on in every state as if nothing had been', async () => {
    const whole = await play(history, () => false);
    expect(whole.events.map((event) => event.split(' ')[1])).toEqual([
      'inactive>pending', 'pending>firing', 'firing>resolved', 'inactive>pending', 'pending>inactive', 'inactive>pending', 'pending>firing', 'firing>resolved',
    ]);
    // After nothing, pending, firing, kept firing, resolved, pending once more, and gone.
    const killed = await play(history, (step) => [0, 1, 3, 5, 8, 9, 10].includes(step));
    expect(killed.events).toEqual(whole.events);
    expect(killed.told).toEqual(whole.told);
  }, 120_000);

  it('tells each transition once, also where it is killed in the midst of an evaluation', async () => {
    const { events } = await play(history, () => false, (step) => step % 4 === 2);
    const steps = events.map((event) => event.split(' ')[1] ?? '');
    // Each step begins where the one before ended: nothing is told twice, nothing is left out.
    let state = 'inactive';
    for (const step of steps) {
      const [from = '', to = ''] = step.split('>');
      expect(from, steps.join(' ')).toBe(state);
      state = to === 'resolved' ? 'inactive' : to;
    }
    expect(steps.filter((step) => step.endsWith('>firing')).length).toBe(steps.filter((step) => step.endsWith('>resolved')).length);
  }, 120_000);
});
