import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { operatorToken, startTestPlane } from '../alerting/alertmanager/fixture.ts';
import type { TestPlane } from '../alerting/alertmanager/fixture.ts';
import { parseOncall } from '../alerting/oncall/config.ts';
import { alertOf, startMs } from '../alerting/routing/fixture.ts';
import { createTestHost } from '../core/test-host.ts';
import type { TestHost } from '../core/test-host.ts';
import { alerts } from './alerts.ts';
import type { Command } from './command.ts';
import { oncall } from './oncall.ts';

const root = resolve(import.meta.dirname, '../..');
const rotation = parseOncall('oncall.yaml', `
people: { ada: { name: Ada L. }, bob: {} }
schedules: { primary: { time_zone: Europe/Berlin, layers: [{ name: week, rotation: weekly, start: 2026-01-05, handover: '09:00', people: [ada, bob] }] } }
policies: { page: { steps: [{ schedule: primary }] } }
`, {});
const critical = alertOf({ alertname: 'A', severity: 'critical', service: 'api' });
const high = alertOf({ alertname: 'B', severity: 'high', service: 'web' });

let host: TestHost;
let plane: TestPlane;
const bodies: string[] = [];
const receiver = createServer((request, response) => {
  request.on('data', (part: Buffer) => void bodies.push(part.toString('utf8')));
  request.on('end', () => response.writeHead(request.url === '/full' ? 503 : 200).end());
});

beforeEach(async () => {
  host = createTestHost(startMs);
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  const url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
  plane = await startTestPlane(host, {
    oncall: rotation,
    routing: `
route: { receiver: team, group_by: [alertname], group_wait: 0s }
receivers: [{ name: team, webhook_configs: [{ url: '${url}/' }, { url: '${url}/full' }] }, { name: nobody }]
`,
  });
  plane.routing.onAlerts([high, critical]);
  await plane.routing.settled();
});
afterEach(async () => {
  await plane[Symbol.asyncDispose]();
  bodies.length = 0;
  receiver.closeAllConnections();
  receiver.close();
});

async function run(command: Command, args: readonly string[], isTty = false): Promise<{ code: number; stdout: string; stderr: string }> {
  const own = createTestHost(host.clock.nowMs() + 61_000);
  const env = { ...own.process.env, SORA_CONTROL_URL: plane.url, SORA_CONTROL_TOKEN: operatorToken, SORA_ALERT_ROUTING: '' };
  const code = await command.run({ host: { ...own, stdout: { ...own.stdout, isTty }, process: { ...own.process, env } }, root, home: '/nowhere', topology: '' }, args);
  return { code, ...own.written };
}

describe('sora alerts', () => {
  test('ls shows what fires, the gravest first: plain in a pipe, with a sign and colour on a terminal', async () => {
    const { stdout } = await run(alerts, ['ls']);
    expect(stdout.split('\n').map((line) => line.split(/\s+/).slice(0, 6).join(' '))).toEqual(['STATE SEVERITY ALERT SERVICE FOR VALUE', 'firing critical A api 1m1s 1', 'firing high B web 1m1s 1', '']);
    expect(stdout).not.toContain('\u001b');
    const { stdout: painted } = await run(alerts, ['ls', '--severity', 'critical'], true);
    expect(painted).toContain('● firing');
    expect(painted).toContain('\u001b[31m');
    expect(painted).not.toContain('web');
  });

  test('ls refuses a severity that there is not, and says what else fires where nothing is of one', async () => {
    await expect(run(alerts, ['ls', '--severity', 'hihg'])).rejects.toMatchObject({ message: 'there is no severity "hihg"', hint: 'severities are critical, high, medium, low; did you mean high?', exitCode: 104 });
    expect(await run(alerts, ['ls', '--severity', 'low'])).toMatchObject({ code: 0, stdout: '', stderr: 'nothing of severity low fires; 2 others do\n' });
    plane.routing.onAlerts([]);
    await plane.routing.settled();
    await host.advance(600_000);
    await plane.routing.settled();
    expect((await run(alerts, ['ls', '--severity', 'low'])).stderr).toBe('nothing fires\n');
  });

  test('names an alert by its name, and says by whom it was acknowledged before', async () => {
    expect((await run(alerts, ['show', 'B'])).stdout).toMatch(/^B\n/);
    expect((await run(alerts, ['ack', 'B'])).stdout).toBe(`acknowledged one alert until resolved: ${high.fingerprint.slice(0, 12)}\n`);
    expect((await run(alerts, ['ls'])).stdout).toMatch(/acknowledged +high +B .*, until resolved/);
    expect((await run(alerts, ['ack', 'B', '--for', '2h'])).stdout).toMatch(/\n.+ had acknowledged it 1m1s ago: speak to each other\n$/);
    expect((await run(alerts, ['ls'])).stdout).toMatch(/acknowledged +high +B .*, for another 2h /);
    await expect(run(alerts, ['show', critical.fingerprint.slice(0, 3)])).rejects.toMatchObject({ hint: expect.stringContaining('four characters of its id') as string });
  });

  test('show of one that is over says when it ended, and pages nobody', async () => {
    plane.routing.onAlerts([high, { ...critical, status: 'resolved', endsAtMs: startMs + 1_000 }]);
    await plane.routing.settled();
    const { stdout } = await run(alerts, ['show', critical.fingerprint]);
    expect(stdout).toMatch(/state +resolved\n/);
    expect(stdout).toMatch(/ended +\S+ \(1m ago, after /);
    expect(stdout).toMatch(/last value +1\n/);
    expect(stdout).not.toContain('is being paged');
  });

  test('ack takes an alert on by the beginning of its id, and ls says who did', async () => {
    const { stdout } = await run(alerts, ['ack', critical.fingerprint.slice(0, 8), '--for', '2h']);
    expect(stdout).toBe(`acknowledged one alert for 2h: ${critical.fingerprint.slice(0, 12)}\n`);
    expect(plane.routing.observed().state.acks[critical.fingerprint]).toMatchObject({ untilMs: host.clock.nowMs() + 7_200_000 });
    expect(JSON.parse((await run(alerts, ['ls', '-o', 'json'])).stdout)).toMatchObject({ schema: 'sora.alerts/v1', alerts: [{ standing: 'acknowledged', because: expect.any(String) }, { standing: 'firing' }] });
    await expect(run(alerts, ['ack', 'ffff0000'])).rejects.toMatchObject({ message: expect.stringContaining('no firing alert or group'), exitCode: 104 });
  });

  test('show tells all of an alert', async () => {
    const { stdout } = await run(alerts, ['show', high.fingerprint]);
    expect(stdout).toMatch(/^B\n {2}state {8,}firing\n/);
    expect(stdout).toContain('x > 0');
  });

  test('silence makes, lists and ends silences', async () => {
    const made = JSON.parse((await run(alerts, ['silence', 'alertname=B', 'service=~w.*', '--for', '1h', '-c', 'known', '-o', 'json'])).stdout) as { id: string };
    expect(made).toMatchObject({ state: 'active', matchers: ['alertname="B"', 'service=~"w.*"'], comment: 'known' });
    expect((await run(alerts, ['silence', 'ls'])).stdout).toMatch(new RegExp(`active +${made.id} +in 58m59s .*alertname="B" service=~"w\\.\\*" +known`));
    expect((await run(alerts, ['ls'])).stdout).toMatch(/silenced +high +B .*known \(/);
    expect((await run(alerts, ['ls'])).stdout).toContain(`, ${made.id.slice(0, 8)})`);
    await expect(run(alerts, ['silence', 'expire', made.id.slice(0, 3)])).rejects.toMatchObject({ hint: expect.stringContaining('four characters') as string });
    expect((await run(alerts, ['silence', 'expire', made.id.slice(0, 8)])).stdout).toContain(`ended ${made.id}`);
    expect(await run(alerts, ['silence', 'ls'])).toMatchObject({ stdout: '', stderr: 'nothing is silenced\n' });
    await expect(run(alerts, ['silence', 'alertname=B', '--for', '1h'])).rejects.toMatchObject({ message: 'sora alerts silence needs --comment' });
    await expect(run(alerts, ['silence', 'alertname=~.*', '--for', '1h', '-c', 'x'])).rejects.toThrow('would silence every alert');
  });

  test('silence says what it matches, by whom, and which label nothing has', async () => {
    expect((await run(alerts, ['silence', 'service=web', '--for', '1h', '-c', 'x'])).stdout).toMatch(/ until \S+, by \S+\nof 2 alerts that fire it matches 1\n$/);
    const { stdout, stderr } = await run(alerts, ['silence', 'alertnme=B', '--for', '1h', '-c', 'x']);
    expect(stdout).toContain('of 2 alerts that fire it matches none');
    expect(stderr).toBe('nothing that fires has the label alertnme; did you mean alertname?\n');
  });

  test('test sends to each integration and tells what it answered', async () => {
    const { code, stdout } = await run(alerts, ['test', 'team']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/sent +webhook\[0\] .*taken\nfailed +webhook\[1\] .*503/);
    expect(bodies.join()).toContain('nothing is wrong');
    expect(plane.events.filter(({ details }) => details.kind === 'receiver-test')).toMatchObject([{ actor: expect.stringMatching(/./), details: { receiver: 'team' } }]);
    await expect(run(alerts, ['test', 'nobody'])).rejects.toThrow('no integration of the receiver nobody is on');
    await expect(run(alerts, ['test', 'other'])).rejects.toThrow('there is no receiver "other"');
  });

  test('noise says which rules nobody does anything about', async () => {
    plane.events.push({ sequence: 1_000, atMs: startMs, actor: 'sora', details: { kind: 'alert', group: 'g', rule: 'A', fingerprint: critical.fingerprint, labels: critical.labels, annotations: {}, from: 'pending', to: 'firing', value: 1, activeAtMs: startMs } });
    expect((await run(alerts, ['noise'])).stdout).toMatch(/\nA +1 +0 +0 % +0 +- +never\n$/);
  });

  test('route answers offline, from the file of the checkout', async () => {
    const { stdout } = await run(alerts, ['route', 'severity=critical', 'service=api', '-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({ receivers: ['critical'], routes: [{ groupWaitMs: 0, groupLabels: { service: 'api' }, mutedBy: null }] });
    expect((await run(alerts, ['route', 'severity=low', '--at', '2026-12-26T10:00:00Z'])).stdout).toContain('outside business-hours');
    expect((await run(alerts, ['route'])).stdout).toContain('{sora_rehearsal!=""}  ->  rehearsal');
    expect((await run(alerts, ['route'])).stdout).toMatch(/\ncritical +log\[0\] +pagerduty\[0\] \(PAGERDUTY_ROUTING_KEY\), /);
    expect((await run(alerts, ['route', 'severty=critical'])).stderr).toBe('no route goes by the label severty; did you mean severity?\n');
    await expect(run(alerts, ['route', '--file', '/nowhere/routing.yaml'])).rejects.toMatchObject({ message: 'there is no file /nowhere/routing.yaml', hint: expect.stringContaining('--file') as string });
    await expect(run(alerts, ['route', 'severity'])).rejects.toMatchObject({ exitCode: 104 });
    const folder = mkdtempSync(join(tmpdir(), 'sora-route-'));
    try {
      const file = join(folder, 'routing.yaml');
      writeFileSync(file, 'route: { receiver: low }\nreceivers: [{ name: low }]\n');
      expect((await run(alerts, ['route', 'a=b', '--file', file])).stderr).toContain('only the routing file was checked');
      writeFileSync(join(folder, 'receivers.yaml'), 'receivers: { hgih: {}, low: { integrations: [{ kind: webhok }] } }\n');
      await expect(run(alerts, ['route', 'a=b', '--file', file])).rejects.toMatchObject({ message: expect.stringMatching(/kind: must be one of[^]*receivers.hgih: is not one of/) as string, exitCode: 104 });
    } finally {
      rmSync(folder, { recursive: true });
    }
    await expect(run(alerts, ['rout'])).rejects.toMatchObject({ hint: 'did you mean sora alerts route?' });
  });
});

describe('sora oncall', () => {
  test('who says who is on call now or then, and until when', async () => {
    expect((await run(oncall, ['who'])).stdout).toMatch(/primary +ada +Ada L\. +week +2026-01-12T09:00\[Europe\/Berlin\] +bob\n$/);
    expect((await run(oncall, ['who', '--at', '2026-01-12T08:00:00Z'])).stdout).toMatch(/primary +bob/);
    await expect(run(oncall, ['who', '--at', 'tomorrow'])).rejects.toThrow('is not a time with its zone');
  });

  test('override lets somebody stand in, on the clock of the schedule, and leaves an event', async () => {
    const { stdout } = await run(oncall, ['override', '--person', 'bob', '--from', '2026-01-06T09:00', '--to', '2026-01-07T09:00']);
    expect(stdout).toContain('bob is on call in primary from 2026-01-06T09:00[Europe/Berlin] to 2026-01-07T09:00[Europe/Berlin] (');
    expect((await run(oncall, ['who', '--at', '2026-01-06T12:00:00Z'])).stdout).toMatch(/primary +bob +bob +override/);
    expect(plane.events.at(-1)).toMatchObject({ details: { kind: 'oncall-override', person: 'bob', fromMs: Date.UTC(2026, 0, 6, 8) } });
    await expect(run(oncall, ['override', '--person', 'cy', '--to', '2026-01-07T09:00'])).rejects.toThrow('"cy" is not one of the people');
    await expect(run(oncall, ['override', '--person', 'bob', '--to', '2026-03-29T02:30'])).rejects.toThrow('no moment in Europe/Berlin');
  });

  test('override takes a length, overrides lists them, and cancel takes one back', async () => {
    await run(oncall, ['override', '--person', 'bob', '--from', '2026-01-06T09:00', '--for', '8h']);
    const { stdout } = await run(oncall, ['overrides']);
    expect(stdout).toMatch(/\nto come +primary +bob +2026-01-06T09:00\[Europe\/Berlin\] +2026-01-06T17:00\[Europe\/Berlin\] +\S+\n$/);
    const id = plane.routing.remembered().overrides[0]?.id ?? '';
    expect((await run(oncall, ['cancel', id.slice(0, 8)])).stdout).toBe('bob no longer stands in, in primary\n');
    expect((await run(oncall, ['overrides', '--all'])).stderr).toBe('nobody stands in for anybody\n');
    expect(plane.events.at(-1)).toMatchObject({ details: { kind: 'oncall-override', phase: 'ended', person: 'bob' } });
    await expect(run(oncall, ['cancel', id])).rejects.toMatchObject({ message: `there is no override ${id}`, exitCode: 104 });
    await run(oncall, ['override', '--person', 'bob', '--for', '8h']);
    await host.advance(120_000);
    await run(oncall, ['cancel', plane.routing.remembered().overrides[0]?.id ?? '']);
    expect((await run(oncall, ['overrides', '--all'])).stdout).toMatch(/\nover +primary +bob /);
    await expect(run(oncall, ['override', '--person', 'bob', '--to', '8h'])).rejects.toMatchObject({ message: '--to "8h" is not a time', hint: expect.stringContaining('a length such as 8h is given with --for') as string });
  });
});
