/**
 * Entry point of the supervisor: `main.ts --config FILE [--tied]`. Speaks JSON lines: events on
 * standard output, commands on standard input (`release`, `stop`). With `--tied` it stops when its
 * standard input closes, so it never outlives the command that started it.
 */
import { stdout } from 'node:process';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { SoraError, exitCodes, messageOf } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { createNodeHost } from '../core/node-host.ts';
import { startStack } from './stack.ts';
import type { Stack, StackEvent } from './stack.ts';
import { readTopology } from './topology.ts';

const ports = z.record(z.string(), z.int().min(1).max(65_535));

const stackConfigSchema = z.strictObject({
  topology: z.string(),
  root: z.string(),
  stateDir: z.string(),
  ports: z.enum(['fixed', 'free']),
  portOverrides: ports.default({}),
  replicas: z.record(z.string(), z.int().min(1).max(64)).default({}),
  databaseUrl: z.string().optional(),
  databaseFolder: z.string(),
  database: z.string().default('sora'),
  control: z.boolean().default(false),
  controlDatabaseUrl: z.string().optional(),
  controlDatabaseFolder: z.string().default(''),
  rehearsal: z.string().default(''),
  /** Everything but the database waits for the command `release`. */
  hold: z.boolean().default(false),
});

const commandSchema = z.discriminatedUnion('do', [
  z.strictObject({ do: z.literal('release'), url: z.string() }),
  z.strictObject({ do: z.literal('hold') }),
  z.strictObject({ do: z.literal('stop') }),
]);

async function run(host: Host): Promise<void> {
  const { values } = parseArgs({ args: [...host.process.argv], options: { config: { type: 'string' }, tied: { type: 'boolean' } } });
  const config = stackConfigSchema.parse(JSON.parse(host.files.readText(values.config ?? '')));
  const emit = (event: StackEvent): void => host.stdout.write(`${JSON.stringify(event)}\n`);
  let stack: Stack | undefined;
  let exitCode: ExitCode = exitCodes.pass;
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    // While it still starts there is nothing to stop in order; the reaper sweeps up after us.
    if (stack === undefined) host.process.exit(exitCodes.interrupted);
    void stack.stop().then(() => host.process.exit(exitCode));
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) host.process.onSignal(name, stop);
  // From `sora retry`, which is a child of another terminal and has no pipe to us.
  host.process.onSignal('SIGUSR2', () => stack?.retryFailed());
  if (values.tied === true) {
    const lines = createInterface({ input: host.process.stdin() });
    lines.on('close', stop);
    lines.on('line', (line) => {
      const command = commandSchema.safeParse(JSON.parse(line));
      if (!command.success) return;
      if (command.data.do === 'stop') stop();
      else if (command.data.do === 'hold') stack?.hold();
      else stack?.release(command.data.url);
    });
  }
  const options = {
    ...config,
    topology: readTopology(host, config.topology),
    databaseUrl: config.databaseUrl,
    controlDatabaseUrl: config.controlDatabaseUrl,
  };
  stack = await startStack(host, options, (event) => {
    emit(event);
    if (event.event !== 'failed') return;
    exitCode = event.exitCode;
    // `startStack` may not have returned yet.
    host.timers.after(0, stop);
  });
}

const host = createNodeHost();
// Whoever read our output may be gone; that must not end the supervisor before its children.
stdout.on('error', () => undefined);
try {
  await run(host);
} catch (error) {
  const known = error instanceof SoraError ? error : new SoraError('supervisor_failed', messageOf(error), { cause: error });
  host.stdout.write(`${JSON.stringify({ event: 'failed', message: known.message, hint: known.hint ?? '', exitCode: known.exitCode })}\n`);
  host.process.exit(known.exitCode);
}
