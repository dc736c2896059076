import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { apiPrefix } from '../../../../ops/control/client.ts';
import { readSecrets, writeSecrets } from '../../../../ops/supervisor/secrets.ts';
import type { Fault } from '../fault.ts';
import { makeDeadlock } from './database.ts';
import { runSql } from './reach.ts';

const dayMs = 86_400_000;

export const fillingDisk: Fault = {
  name: 'disk-filling', what: 'a file grows by 40 MB/s', target: 'machine',
  alerts: ['DiskFilling'],
  begin({ host, home }) {
    const path = join(home, 'growing');
    const file = openSync(path, 'w');
    const part = Buffer.alloc(20_000_000, 1);
    let left = 300;
    const timer = host.timers.every(500, () => {
      if (left-- > 0) writeSync(file, part);
    });
    return Promise.resolve(() => {
      timer.cancel();
      closeSync(file);
      rmSync(path, { force: true });
      return Promise.resolve();
    });
  },
};

export const endingCertificate: Fault = {
  name: 'certificate-ending', what: 'a TLS server gets a certificate of 3 days', target: 'certificate',
  alerts: ['CertificateExpires'],
  begin({ tls }) {
    tls.useCertificateOf(3 * dayMs);
    return Promise.resolve(() => Promise.resolve(tls.useCertificateOf(90 * dayMs)));
  },
  notes: ({ tls }) => ({ fill: { 'pay.example.test:443': `localhost:${tls.port}`, 'pay.example.test': 'localhost' } }),
};

export const endingTokenKey: Fault = {
  name: 'token-key-ending', what: 'the stack is started with a key of access tokens that is due in 13 days', target: 'api',
  alerts: ['TokenKeyExpires'],
  async begin(world) {
    const dueIn = (days: number) => (): void => {
      const stateDir = join(world.home, 'stack');
      const secrets = readSecrets(world.host, stateDir);
      if (secrets !== undefined) writeSecrets(world.host, stateDir, { ...secrets, tokenExpiresAt: new Date(world.host.clock.nowMs() + days * dayMs).toISOString() });
    };
    await world.restart(dueIn(13));
    return () => world.restart(dueIn(90));
  },
  mitigation: ['npx node', 'kill'],
};

export const refusedNotification: Fault = {
  name: 'notification-refused', what: 'the receiver refuses a message with status 400', target: 'receiver',
  alerts: ['NotificationsDead'],
  async begin(world) {
    world.receiver.answer('DatabaseDeadlocks', 400);
    await makeDeadlock(world);
    return () => Promise.resolve(world.receiver.answer('DatabaseDeadlocks', undefined));
  },
};

export const lateNotification: Fault = {
  name: 'notification-late', what: 'the receiver answers 503 for more than 2 min', target: 'receiver', conditionAfterMs: 120_000,
  alerts: ['NotificationsLate'],
  async begin(world) {
    world.receiver.answer('DeadLetters', 503);
    await runSql(world, `insert into platform_outbox (topic, payload) values ('feed.fan_out', '{"drill": true}')`);
    return async () => {
      world.receiver.answer('DeadLetters', undefined);
      await runSql(world, `delete from pgboss.job where name = 'feed.fan_out.dead'`);
    };
  },
};

/** A run that began 20 min ago and should have been over 10 min ago. Its word of now keeps it under way for 2 min. */
export const overdueRun: Fault = {
  name: 'run-overdue', what: 'a load run says that it lasts 10 min past its planned end', target: 'load',
  alerts: ['RehearsalOverdue'],
  async begin({ host, control }) {
    const nowMs = host.clock.nowMs();
    const run = { kind: 'load-run', runId: `overdue-${nowMs.toString(36)}`, scenario: 'drill', summary: '', plannedEndMs: nowMs - 600_000 };
    const tell = (phase: string, atMs: number): Promise<unknown> => control.post(`${apiPrefix}/events`, { events: [{ atMs, details: { ...run, phase } }] }, z.unknown());
    await tell('started', nowMs - 1_200_000);
    await tell('renewed', nowMs);
    return async () => {
      await tell('ended', host.clock.nowMs());
    };
  },
};
