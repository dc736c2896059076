/** A process that sends what waits in an outbox, to be killed by a test: `node crash-child.ts DATABASE_URL RECEIVER_URL`. */
import { openControlDatabase } from '../../control/database.ts';
import { createEventLog } from '../../core/event-log/log.ts';
import { createNodeHost } from '../../core/node-host.ts';
import { limitOf } from '../notifiers/comparison.ts';
import { integrationSettings } from '../notifiers/settings.ts';
import { createSender } from './sender.ts';

const host = createNodeHost();
const [databaseUrl = '', receiverUrl = ''] = host.process.argv;
const { pool } = openControlDatabase(host, databaseUrl);
const log = createEventLog(pool);
const sender = createSender({
  host, pool, limitOf,
  findSettings: () => integrationSettings.parse({ kind: 'webhook', url: receiverUrl }),
  writeLog: () => undefined,
  appendEvents: (client, events) => log.appendWith(client, events),
  onError: (error) => host.stderr.write(`${String(error)}\n`),
});
await sender.start();
