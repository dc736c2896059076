/** Users on the stack while it is drilled: a load run, and a few who send each other tokens. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readSecrets } from '../../../ops/supervisor/secrets.ts';
import type { Host } from '../../../ops/core/host.ts';
import type { StackState } from '../../../ops/supervisor/stack-state.ts';
import { join } from 'node:path';
import { z } from 'zod';
import { post } from './faults/reach.ts';

/** Enough for every ratio to have traffic, and little enough to leave the machine to what is measured. */
export const load = { users: 400, thinkS: 4 } as const;
const payPauseMs = 250;
const payers = 8;

export interface UsersWanted {
  readonly host: Host;
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly stack: () => StackState;
}

const sessionsSchema = z.object({ sessions: z.array(z.object({ userId: z.int(), accessToken: z.string() })) });

/** Starts them; the answer ends them. */
export async function startUsers(wanted: UsersWanted): Promise<() => Promise<void>> {
  const { host, root, env } = wanted;
  const args = ['ops/cli/bootstrap.mjs', 'load', 'run', 'launch-mix', '--stack', 'running', '--users', String(load.users), '--think', `${load.thinkS}s`, '--ramp', '3s', '--duration', '6h', '--quiet'];
  const run = spawn(host.process.execPath, args, { cwd: root, env: { ...env }, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  run.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-4_000)));
  const stop = new AbortController();
  const early = once(run, 'exit').then(() => {
    if (!stop.signal.aborted) host.stderr.write(`the load run ended early: ${said}\n`);
  });
  const paying = payOnAndOn(wanted, stop.signal);
  return async () => {
    stop.abort();
    await Promise.all([paying, end(run, early)]);
  };
}

async function end(run: ChildProcess, ended: Promise<unknown>): Promise<void> {
  run.kill('SIGINT');
  await ended;
}

/** Failures are what the drill wants to see. */
async function payOnAndOn({ host, home, stack }: UsersWanted, stop: AbortSignal): Promise<void> {
  const { urls } = stack();
  const admin = readSecrets(host, join(home, 'stack'))?.admin ?? '';
  const reply = sessionsSchema.parse(await post(`${urls['api'] ?? ''}/admin/sessions`, { fromUserId: 1, count: payers, ttlS: 21_600 }, { authorization: `Bearer ${admin}` }));
  for (let turn = 0; !stop.aborted; turn++) {
    const [payer, payee] = [reply.sessions[turn % payers], reply.sessions[(turn + 1) % payers]];
    if (payer === undefined || payee === undefined) return;
    const headers = { authorization: `Bearer ${payer.accessToken}`, 'idempotency-key': host.random.uuid() };
    await Promise.race([post(`${urls['gateway'] ?? ''}/wallet/transfers`, { toUserId: payee.userId, amount: 1, kind: 'tip' }, headers), host.timers.sleep(2_000, stop)]).catch(() => undefined);
    await host.timers.sleep(payPauseMs, stop).catch(() => undefined);
  }
}
