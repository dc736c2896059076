import { join } from 'node:path';
import { exitCodes, invalidConfig } from '../core/error.ts';
import { readSecrets } from '../supervisor/secrets.ts';
import type { Command, Context } from './command.ts';
import { parseFlags, readPairs } from './command.ts';
import { runEntry } from './entry.ts';
import { stackDir } from './up.ts';

const entry = 'ops/control/watchdog/main.ts';
/** Beside that of the stack, which has 8071. */
const portDefault = 8_072;

export const watchdog: Command = {
  name: 'watchdog',
  summary: 'Hears the heartbeats of a control plane and notifies when they stop',
  usage: 'sora watchdog [flags]',
  flags: {
    port: { type: 'string', value: 'PORT', help: `where it listens; default ${portDefault}` },
    listen: { type: 'string', value: 'ADDRESS', help: 'address it listens on; default 127.0.0.1' },
    after: { type: 'string', value: 'DURATION', help: 'silence after which it notifies; default 60s' },
    webhook: { type: 'string', value: 'URL', help: 'notifies by a generic webhook' },
    slack: { type: 'string', value: 'URL', help: 'notifies by an incoming webhook of Slack' },
  },
  examples: ['sora watchdog --webhook https://hooks.example.test/sora', 'SORA_HEARTBEAT_SECRET=… sora watchdog --listen 0.0.0.0 --slack https://hooks.slack.example/T/B/x'],
  details: [
    'A stack has a watchdog of its own beside its control plane. This is another, best on another machine: name it to',
    'the control plane with SORA_WATCHDOG_URLS=http://that-machine:8072. Both share the secret of heartbeats: here',
    'SORA_HEARTBEAT_SECRET, else that of the stack of this checkout (control.heartbeat of its secrets.json).',
    'Without --webhook and --slack it tells whom a critical alert would reach: what alerts/receivers.yaml asks for must then',
    'be set here. More receivers, such as e-mail, stand in sora.config.ts: alerts.watchdog.receivers.',
  ].join('\n'),
  async run(context, args) {
    const parsed = parseFlags(watchdog, args);
    const { port = portDefault } = readPairs('port', [parsed.text('port') ?? String(portDefault)], 65_535, 'port');
    const given: Record<string, string | undefined> = {
      SORA_LISTEN: parsed.text('listen'), SORA_WATCHDOG_AFTER: parsed.text('after'),
      SORA_WATCHDOG_WEBHOOK_URL: parsed.text('webhook'), SORA_WATCHDOG_SLACK_URL: parsed.text('slack'),
    };
    const stateDir = context.host.process.env['SORA_STATE_DIR'] ?? join(context.home, 'watchdog', String(port));
    const env = { PORT: String(port), SORA_STATE_DIR: stateDir, SORA_HEARTBEAT_SECRET: findSecret(context), ...Object.fromEntries(Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))) };
    context.host.stderr.write(`watching on port ${port}; tell the control plane with SORA_WATCHDOG_URLS=http://127.0.0.1:${port}; Ctrl-C ends it\n`);
    const { exitCode, interrupted } = await runEntry(context, entry, [], { env, graceMs: 10_000 });
    return interrupted ? exitCodes.pass : exitCode;
  },
};

function findSecret(context: Context): string {
  const given = context.host.process.env['SORA_HEARTBEAT_SECRET'];
  if (given !== undefined && given !== '') return given;
  const kept = readSecrets(context.host, stackDir(context))?.control?.heartbeat;
  if (kept === undefined) throw invalidConfig('no secret of heartbeats is known', `set SORA_HEARTBEAT_SECRET to control.heartbeat of ${join('.sora/stack', 'secrets.json')} on the machine of the control plane`);
  return kept;
}
