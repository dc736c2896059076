import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { LoggedEvent } from '../core/event-log/event.ts';
import { eventDetails } from '../core/event-log/event.ts';
import { createNodeHost } from '../core/node-host.ts';
import { configChanges, readConfiguration, recordConfigChanges } from './config-changes.ts';
import { readAlertSettings } from './settings.ts';

const root = mkdtempSync(join(tmpdir(), 'sora-config-'));
const checkout = new URL('../..', import.meta.url).pathname;
cpSync(join(checkout, 'alerts'), join(root, 'alerts'), { recursive: true });
afterAll(() => rmSync(root, { recursive: true }));
const host = createNodeHost();
const settings = { ...(await readAlertSettings(host, root)), heartbeatUrl: 'https://ping.example.test/hush' };
const receivers: Parameters<typeof readConfiguration>[0]['receivers'] = [];

describe('configuration', () => {
  it('is recorded once, and again where a file, a setting or an integration is another', async () => {
    const events: LoggedEvent[] = [];
    const log = {
      read: () => Promise.resolve(events),
      append: (added: readonly Omit<LoggedEvent, 'sequence'>[]) => Promise.resolve(added.forEach((event) => events.push({ ...event, details: eventDetails.parse(event.details), sequence: events.length + 1 }))),
    };
    const record = async (change: object = {}): Promise<unknown[]> => {
      const before = events.length;
      await recordConfigChanges(log, { host, root, settings: { ...settings, ...change }, receivers });
      return events.slice(before).map(({ details }) => (details.kind === 'config' ? [details.subject, details.isFirst, details.summary] : []));
    };
    expect((await record()).map((each) => (each as unknown[]).slice(0, 2))).toEqual([['rules', true], ['routing', true], ['on-call', true], ['settings', true]]);
    expect(await record()).toEqual([]);
    writeFileSync(join(root, 'alerts/rules/api.yaml'), 'groups: []\n');
    rmSync(join(root, 'alerts/rules/users.yaml'));
    expect(await record()).toEqual([['rules', false, 'alerts/rules/api.yaml changed, alerts/rules/users.yaml removed']]);
    expect(await record({ scrapeIntervalMs: 1_234 })).toEqual([['settings', false, 'scrapeIntervalMs changed']]);
    // What somebody told by hand stands between, and is no state.
    events.push({ sequence: 99, atMs: 1, actor: 'ada', details: { kind: 'config', subject: 'settings', summary: 'by hand' } });
    expect(await record()).toEqual([['settings', false, 'scrapeIntervalMs changed']]);
  });

  it('leaves secrets out, so that they can neither be read nor guessed', () => {
    const of = (heartbeatUrl: string): unknown => readConfiguration({ host, root, settings: { ...settings, heartbeatUrl }, receivers });
    expect(of('https://ping.example.test/one?token=a')).toEqual(of('https://user:two@ping.example.test/two'));
    expect(of('https://ping.example.test/one')).not.toEqual(of('https://other.example.test/one'));
  });

  it('is told with few names where much changed', () => {
    const parts = (hash: string): Record<string, string> => Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`f${index}`, hash]));
    const [first] = configChanges([], [{ subject: 'rules', parts: parts('a') }], 1);
    const [second] = configChanges(first === undefined ? [] : [first], [{ subject: 'rules', parts: parts('b') }], 2);
    expect(second?.details).toMatchObject({ summary: expect.stringMatching(/f9 changed and 20 more$/) as string });
  });
});
