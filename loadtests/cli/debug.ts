import { formatMs } from '../report/format.ts';
import { plainText, styleFor } from '../report/style.ts';
import type { Style } from '../report/style.ts';
import { assertNever, exitCodes } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import type { DebugEvent } from '../swarm/debug-stage.ts';
import { debugUser } from '../swarm/debug-user.ts';
import { playAmong, refuseForeignAccounts } from './foreign-accounts.ts';
import { prepareRun } from './prepare.ts';
import { readStackAccess } from './run.ts';

/** Frames of a stack that are shown. */
const framesMax = 5;

/** `debug SCENARIO --user N`: plays one journey of one user once and prints each thing that happens; 107 when an operation failed. */
export async function debugCommand(host: Host, args: readonly string[]): Promise<number> {
  const run = await prepareRun(host, args, 'debug');
  const stack = readStackAccess(host, run);
  const { target, admin, adminSecret } = stack;
  const { user, overrides } = run.options;
  const seeded = await refuseForeignAccounts(host, { scenario: run.scenario, users: user + 1 }, stack);
  const users = playAmong(user, run.users, seeded);
  const style = styleFor(host, host.stdout, run.options.noColor);
  let failed = false;
  const events = debugUser({
    host, scenarioFile: run.scenarioFile, target, policy: run.policy, user, runId: host.random.bytes(4).toString('hex'),
    overrides: users < run.users ? { ...overrides, users } : overrides, adminSecret, admin,
  });
  for await (const event of events) {
    host.stdout.write(run.options.json ? `${JSON.stringify(event)}\n` : `${describe(event, style)}\n`);
    if (event.kind === 'end' && event.outcome === 'failed') failed = true;
  }
  return failed ? exitCodes.scenarioError : exitCodes.pass;
}

function describe(event: DebugEvent, style: Style): string {
  switch (event.kind) {
    case 'step':
      return `\n${style.bold(`step ${event.step}  ${event.op}`)}${event.thinkTimeMs > 0 ? `  ${style.dim(`after thinking ${formatMs(event.thinkTimeMs)}`)}` : ''}`;
    case 'request':
      return `  → ${style.bold(event.method)} ${plainText(event.path)}${headerLines(event.headers, style)}${bodyLine(event.body)}`;
    case 'reply':
      return `  ← ${event.verdict === 'failed' ? style.bad(`${event.status} failed`) : `${event.status} ${event.verdict}`} in ${formatMs(event.durationMs)}${headerLines(event.headers, style)}${bodyLine(event.body)}`;
    case 'no-reply':
      return `  ← ${style.bad('no reply')} after ${formatMs(event.durationMs)}: ${plainText(event.error)}`;
    case 'check':
      return `  ${event.ok ? style.good('✓') : style.bad('✗')} check: ${plainText(event.name)}`;
    case 'carried':
      return `  ${style.dim('carries')} ${plainText(event.name)} = ${plainText(event.value)}`;
    case 'pause':
      return `\n${style.dim(`thinks ${formatMs(event.pauseMs)}, not waited for`)}`;
    case 'threw':
      return `  ${style.bad('threw')} ${plainText(event.message)}${frameLines(event.stack)}`;
    case 'end':
      return `  ${event.outcome === 'failed' ? style.bad('✗ failed') : style.good(`✓ ${event.outcome}`)}${event.reason === '' ? '' : `: ${plainText(event.reason)}`}`;
    default:
      return assertNever(event);
  }
}

function headerLines(headers: Readonly<Record<string, string>>, style: Style): string {
  return Object.entries(headers).map(([name, value]) => `\n      ${style.dim(`${plainText(name)}: ${plainText(value)}`)}`).join('');
}

function frameLines(stack: string): string {
  return stack === '' ? '' : stack.split('\n').slice(0, framesMax).map((line) => `\n      ${plainText(line)}`).join('');
}

function bodyLine(body: string): string {
  return body === '' ? '' : `\n      ${plainText(body)}`;
}
