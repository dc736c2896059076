/** Plays what alerting saw of the load run again in another process, by the commands that operators have. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { Host } from '../../../ops/core/host.ts';

export interface Replay {
  readonly ok: boolean;
  /** What the command said last. */
  readonly text: string;
}

const patienceMs = 120_000;
/** The control plane keeps raw samples for 2 h. */
const spanMaxS = 6_600;

export function replayRun(host: Host, root: string, env: Readonly<Record<string, string | undefined>>, home: string, spanS: number): Replay {
  const file = join(home, 'load-run.json');
  const sora = (...args: string[]): { status: number | null; said: string } => {
    const { status, stdout, stderr } = spawnSync(host.process.execPath, ['ops/cli/bootstrap.mjs', 'rules', ...args], { cwd: root, env: { ...env }, encoding: 'utf8', timeout: patienceMs });
    return { status, said: `${stdout}${stderr}`.trim().split('\n').slice(-2).join('; ') };
  };
  const recorded = sora('record', file, '--since', `${Math.min(spanMaxS, Math.round(spanS))}s`);
  if (recorded.status !== 0) return { ok: false, text: `recording failed: ${recorded.said}` };
  const replayed = sora('replay', file);
  host.files.remove(file);
  return { ok: replayed.status === 0, text: replayed.said };
}
