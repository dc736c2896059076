import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { resolve } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createNodeHost } from '../../core/node-host.ts';
import { readAlertSettings } from '../settings.ts';
import { chooseReceivers } from './receivers.ts';

const root = resolve(import.meta.dirname, '../../..');

async function choose(env: Record<string, string>, rehearsal = '') {
  const real = createNodeHost();
  const host = { ...real, process: { ...real.process, env } };
  const lines: string[] = [];
  const settings = await readAlertSettings(host, root);
  return { ...chooseReceivers({ host, root, settings, service: 'watchdog', rehearsal, writeLog: (_, text) => void lines.push(text) }), lines };
}

const oncall = { SORA_ONCALL_FIRST_EMAIL: 'a@x.example', SORA_ONCALL_SECOND_EMAIL: 'b@x.example', SORA_ONCALL_LEAD_EMAIL: 'c@x.example' };

test('without receivers of its own a watchdog tells those of a critical alert', async () => {
  const { reaches } = await choose({ ...oncall, PAGERDUTY_ROUTING_KEY: 'k'.repeat(32), SLACK_WEBHOOK_URL: 'https://hooks.slack.example/x', SMTP_HOST: 'mail.example', SMTP_FROM: 'sora@x.example' });
  expect(reaches).toEqual(['critical/pagerduty[0]', 'critical/slack[1]', 'critical/email[0]']);
});

test('what it tells reaches them', async () => {
  const told = Promise.withResolvers<string>();
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      response.end('ok');
      told.resolve(body);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  onTestFinished(() => void server.close());
  const { receivers } = await choose({ SLACK_WEBHOOK_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` });
  const outcomes = await Promise.all(receivers.map((receiver) => receiver.send({ what: 'silent', episode: 1, lastSeenMs: 0, atMs: 60_000 })));
  expect(outcomes).toMatchObject([{ kind: 'sent' }]);
  expect(await told.promise).toContain('no sign of life');
});

test('its own receivers come before those; where only the log is left, nobody is reached', async () => {
  expect((await choose({ SORA_WATCHDOG_SLACK_URL: 'https://hooks.slack.example/x', PAGERDUTY_ROUTING_KEY: 'k'.repeat(32) })).reaches).toEqual(['slack[0]']);
  const { receivers, reaches } = await choose({});
  expect([receivers.length, reaches]).toEqual([1, []]);
});

test('the watchdog of a rehearsal wakes nobody', async () => {
  const { reaches } = await choose({ PAGERDUTY_ROUTING_KEY: 'k'.repeat(32), SORA_REHEARSAL_WEBHOOK_URL: 'http://127.0.0.1:9/' }, 'run-1');
  expect(reaches).toEqual(['rehearsal/webhook[0]']);
});
