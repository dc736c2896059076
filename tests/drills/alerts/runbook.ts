/** Follows runbooks as a person would: their commands run as they stand there, one after the other. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { readRunbook } from '../../../ops/alerting/catalogue/runbook.ts';
import type { RunbookSection } from '../../../ops/alerting/catalogue/runbook.ts';
import { messageOf } from '../../../ops/core/error.ts';
import type { Host } from '../../../ops/core/host.ts';

/** What one command may take, and what is kept of its output. */
const limits = { commandMs: 20_000, outputCharacters: 10_000, shownCharacters: 160, proofTries: 4, proofPauseMs: 5_000 } as const;

export type FollowedSection = Extract<RunbookSection, 'First checks' | 'Mitigation' | 'Proof of recovery'>;

/** What a drill knows of the runbooks of its alerts. */
export interface RunbookNotes {
  /** What a person puts in the place of examples, from the alert or an earlier check. */
  readonly fill?: Readonly<Record<string, string>>;
  /** Beginnings of commands that cannot answer under this fault, and why. */
  readonly excused?: Readonly<Record<string, string>>;
}

export interface CommandOutcome {
  readonly section: FollowedSection;
  readonly command: string;
  readonly problem: string | undefined;
  /** Why the problem says nothing against the runbook. */
  readonly excuse: string | undefined;
}

/** How one runbook was followed, for the record of drills. */
export interface FollowedRunbook {
  /** From the checkout, such as `runbooks/database-down.md`. */
  readonly path: string;
  /** Such as `3 + 1 commands`: checks and proofs. */
  readonly followed: string;
  readonly problem?: string | undefined;
}

export interface RunbookFollower {
  /**
   * Runs the commands of a section.
   * @param only beginnings of the commands to run; default: all
   */
  follow(path: string, section: FollowedSection, notes?: RunbookNotes, only?: readonly string[]): Promise<CommandOutcome[]>;
}

export interface FollowerWanted {
  readonly host: Host;
  /** The checkout, where a person stands. */
  readonly root: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly say: (text: string) => void;
}

export function createFollower({ host, root, env, say }: FollowerWanted): RunbookFollower {
  return {
    async follow(path, section, notes = {}, only) {
      const outcomes: CommandOutcome[] = [];
      for (const { section: own, text } of readRunbook(host.files.readText(join(root, path))).commands) {
        if (own !== section || only?.some((beginning) => text.startsWith(beginning)) === false) continue;
        const excused = Object.entries(notes.excused ?? {}).find(([beginning]) => text.startsWith(beginning))?.[1];
        const tries = section === 'Proof of recovery' && excused === undefined ? limits.proofTries : 1;
        const problem = await insist(host, tries, () => tryCommand({ host, root, env }, fillIn(text, notes.fill ?? {}), section !== 'Mitigation'));
        const excuse = problem === undefined ? undefined : excused;
        if (problem !== undefined) say(`  ${excuse === undefined ? '✗' : '–'} ${path}: ${text}: ${excuse ?? problem}`);
        outcomes.push({ section, command: text, problem, excuse });
      }
      return outcomes;
    },
  };
}

/** What a mitigation started anew is scraped within an interval: a person would ask again too. */
async function insist(host: Host, tries: number, run: () => Promise<string | undefined>): Promise<string | undefined> {
  const problem = await run();
  if (problem === undefined || tries <= 1) return problem;
  await host.timers.sleep(limits.proofPauseMs);
  return await insist(host, tries - 1, run);
}

export function fillIn(command: string, fill: Readonly<Record<string, string>>): string {
  return Object.entries(fill).reduce((text, [example, value]) => text.replaceAll(example, value), command);
}

/**
 * Runs a command in a shell and says what went wrong: its exit code, its time, or that it showed nothing where it must.
 * @param mustShow a check must show something; what changes something, such as kill, may be silent
 */
async function tryCommand({ host, root, env }: Omit<FollowerWanted, 'say'>, command: string, mustShow: boolean): Promise<string | undefined> {
  // It leads a group of its own, so that what hangs below it ends with it.
  const child = spawn('sh', ['-c', command], { cwd: root, env: { ...env }, stdio: ['ignore', 'pipe', 'pipe'], detached: true });
  const said = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) child[name].setEncoding('utf8').on('data', (part: string) => (said[name] = (said[name] + part).slice(-limits.outputCharacters)));
  let isLate = false;
  const timer = host.timers.after(limits.commandMs, () => {
    isLate = true;
    if (child.pid !== undefined) host.process.kill(-child.pid, 'SIGKILL');
  });
  try {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
    if (isLate) return `took longer than ${limits.commandMs / 1_000} s`;
    if (code !== 0) return `exit code ${code ?? signal}: ${shorten(said.stderr)}`;
    return mustShow && said.stdout.trim() === '' ? `shows nothing: ${shorten(said.stderr)}` : undefined;
  } catch (error) {
    return `cannot be run: ${messageOf(error)}`;
  } finally {
    timer.cancel();
  }
}

/** The last words, without what npm says about itself. */
const shorten = (text: string): string => text.split('\n').filter((line) => !line.startsWith('npm ')).join(' ').replaceAll(/\s+/g, ' ').trim().slice(0, limits.shownCharacters);

/** What became of a runbook, from the commands that were run of it. */
export function summarise(path: string, outcomes: readonly CommandOutcome[]): FollowedRunbook {
  const count = (section: FollowedSection): number => outcomes.filter((outcome) => outcome.section === section && outcome.problem === undefined).length;
  const excuses = [...new Set(outcomes.flatMap(({ excuse }) => excuse ?? []))];
  const failed = outcomes.find(({ problem, excuse }) => problem !== undefined && excuse === undefined);
  const followed = `${count('First checks')} + ${count('Proof of recovery')} commands${count('Mitigation') === 0 ? '' : ', ended by its mitigation'}${excuses.length === 0 ? '' : `; ${excuses.join('; ')}`}`;
  const problem = failed !== undefined ? `\`${failed.command.slice(0, limits.shownCharacters)}\` ${failed.problem}`
    : count('First checks') === 0 ? 'no check was made' : count('Proof of recovery') === 0 ? 'recovery was not proven' : undefined;
  return { path, followed, ...(problem === undefined ? {} : { problem }) };
}
