import { join } from 'node:path';
import { z } from 'zod';
import { invalidConfig, messageOf, SoraError, exitCodes } from '../../../ops/core/error.ts';
import type { Host } from '../../../ops/core/host.ts';
import { createNodeHost } from '../../../ops/core/node-host.ts';
import { Books } from './books.ts';
import { createProcessorServer } from './server.ts';

/**
 * A card processor of our own, as a process: payment intents, signed events, faults on demand.
 * Once it listens it writes one line of JSON with its port to stdout.
 */
const settingsSchema = z.object({
  /** 0 takes a free one. */
  PORT: z.coerce.number().int().min(0).max(65_535).default(8_091),
  /** Where events go for payments that name no URL. */
  PAYMENTS_WEBHOOK_URL: z.url().optional(),
  PAYMENTS_WEBHOOK_SECRET: z.string().min(16, 'at least 16 characters'),
  PAYMENTS_SEED: z.coerce.number().int().default(1),
  /** Folder of the journal; without it a restart forgets payments and the events it owes. */
  SORA_STATE_DIR: z.string().min(1).optional(),
});

async function main(host: Host): Promise<void> {
  const parsed = settingsSchema.safeParse(host.process.env);
  if (!parsed.success) {
    const found = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
    throw invalidConfig(`the environment of the payments mock is wrong: ${found}`, 'set the variables named');
  }
  const settings = parsed.data;
  const books = new Books(host, {
    secret: settings.PAYMENTS_WEBHOOK_SECRET,
    webhookUrl: settings.PAYMENTS_WEBHOOK_URL,
    seed: settings.PAYMENTS_SEED,
    journalPath: settings.SORA_STATE_DIR === undefined ? undefined : join(settings.SORA_STATE_DIR, 'payments-mock.jsonl'),
    isResting: true,
  });
  if (settings.SORA_STATE_DIR !== undefined) host.files.makeFolder(settings.SORA_STATE_DIR);
  const owed = books.open();
  if (owed > 0) host.stderr.write(`sending ${owed} events owed by the process before\n`);

  const server = createProcessorServer(host, books);
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', (error) => reject(invalidConfig(`cannot listen on port ${settings.PORT}: ${messageOf(error)}`, 'free it or set PORT', error)));
    server.listen(settings.PORT, '127.0.0.1', () => {
      const address = server.address();
      resolve(address !== null && typeof address === 'object' ? address.port : settings.PORT);
    });
  });
  host.stdout.write(`${JSON.stringify({ listening: true, port })}\n`);

  const stop = (): void => {
    books.sender.stop();
    // Requests under way get a moment and their line in the journal, as do events owed.
    server.close(() => books.close());
    server.closeIdleConnections();
    host.timers.after(1_000, () => server.closeAllConnections()).unref();
  };
  host.process.onSignal('SIGTERM', stop);
  host.process.onSignal('SIGINT', stop);
}

const host = createNodeHost();
main(host).catch((error: unknown) => {
  host.stderr.write(`${messageOf(error)}${error instanceof SoraError && error.hint !== undefined ? `\n  ${error.hint}` : ''}\n`);
  host.process.setExitCode(error instanceof SoraError ? error.exitCode : exitCodes.generic);
});
