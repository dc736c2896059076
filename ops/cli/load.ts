import { z } from 'zod';
import { SoraError, exitCodes, invalidConfig } from '../core/error.ts';
import type { ExitCode } from '../core/error.ts';
import { readLiveStack } from '../supervisor/stack-state.ts';
import { announced } from './announce.ts';
import { readPairs, suggest } from './command.ts';
import type { Command, Context } from './command.ts';
import { runEntry } from './entry.ts';
import { onInterrupt } from './interrupt.ts';
import { describeForced, interruptedError, stackEnv, startLoadStack } from './load-stack.ts';
import { stackDir } from './up.ts';

const harnessEntry = 'loadtests/main.ts';
const verbs = ['run', 'debug', 'capacity', 'suite', 'k6', 'browser', 'merge', 'ls', 'show', 'rm', 'import', 'compare', 'trend'] as const;
const stackKinds = ['auto', 'own', 'running'] as const;

/** What `loadtests/main.ts plan` says of a run before anything is started. */
const planSchema = z.object({
  needsStack: z.boolean(),
  users: z.int().positive(),
  seed: z.int().nonnegative(),
  scenario: z.string(),
  /** Of `debug`: which user it plays. */
  user: z.int().nonnegative(),
  /** Whether --users gave the number of users. */
  usersGiven: z.boolean(),
  /** Of a run that is one share: of how many. */
  shares: z.int().positive().default(1),
  /** How long load is put on, where that is known beforehand. */
  durationMs: z.number().nonnegative().optional(),
});

type Plan = z.infer<typeof planSchema>;

/** Users that `debug` seeds and plays among unless told; those of a whole run would take minutes to make. */
const debugUsers = 1_000;
/** After a second interrupt a run writes what it measured, and is killed after this long. */
const hurryMs = 1_000;

export const load: Command = {
  name: 'load',
  summary: 'Runs load tests and shows their reports',
  usage: 'sora load run|debug|capacity|suite|k6|browser|merge|ls|show|rm|import|compare|trend [flags]',
  flags: {
    stack: { type: 'string', value: 'auto|own|running', help: 'the stack to load: one of its own, the running one, or that if there is one (auto, the default)' },
    replicas: { type: 'string', multiple: true, value: 'NAME=COUNT', help: 'number of processes of an own stack, such as api=2' },
    alerts: { type: 'boolean', help: 'gives an own stack a control plane: rules are evaluated, and their alerts go to the receiver rehearsal' },
    keep: { type: 'boolean', help: 'keeps the database of an own stack after the run, and says how to open and drop it' },
  },
  examples: ['sora load run launch-mix --users 10000 --duration 60s', 'sora load run ./my-journey.ts --target http://127.0.0.1:3000', 'sora load debug launch-mix --user 7', 'sora load ls'],
  details:
    'Verbs:\n  run      runs a scenario and judges it; sora load run --help has its flags\n  debug    runs one journey of one user once and prints each step\n  capacity finds the highest rate that meets the thresholds\n  suite    runs a suite of parts and judges the whole\n  k6       runs a suite of k6 and keeps its result\n  browser  measures Web Vitals in real browsers under load\n  merge    joins the shares of a run and judges it as a whole\n  ls       lists the runs kept\n  show     shows the report of one\n  rm       removes one\n  import   writes a scenario from a HAR recording or an OpenAPI document\n  compare  judges a run against others\n  trend    finds lasting changes over the runs of a scenario\n\nExit codes of run: 0 pass, 98 insufficient, 99 fail, 104 wrong before the first request,\n105 stopped by a signal, 107 the scenario failed to load, to set up or to tear down.',
  passesThrough: verbs,
  async run(context, args) {
    const [verb, ...rest] = args;
    if (verb === undefined || !verbs.some((known) => known === verb)) {
      throw invalidConfig(verb === undefined ? 'sora load needs a verb' : `sora load has no verb ${verb}`, suggest(verb ?? '', verbs) ?? `verbs: ${verbs.join(', ')}`);
    }
    const isHelp = rest.includes('--help') || rest.includes('-h');
    if (isStarting(verb) && !isHelp) return runLoad(context, verb, rest);
    if (verb === 'merge' && !isHelp) return mergeShares(context, rest);
    return (await runEntry(context, harnessEntry, args)).exitCode;
  },
};

interface OwnFlags {
  readonly stack: (typeof stackKinds)[number];
  /** Those of the four that were given. */
  readonly given: readonly string[];
  readonly replicas: Readonly<Record<string, number>>;
  readonly keep: boolean;
  readonly alerts: boolean;
  /** What is the harness's. */
  readonly rest: readonly string[];
}

/** Verbs that may need a stack, and the harness's verb that says what they need. */
const planVerbs = { run: 'plan', debug: 'plan-debug', capacity: 'plan-capacity', suite: 'plan-suite', k6: 'plan-k6', browser: 'plan-browser' } as const;
type StartingVerb = keyof typeof planVerbs;
const isStarting = (verb: string): verb is StartingVerb => Object.hasOwn(planVerbs, verb);

async function runLoad(context: Context, verb: StartingVerb, args: readonly string[]): Promise<ExitCode> {
  const own = takeOwnFlags(args);
  const asked = await readPlan(context, planVerbs[verb], own.rest);
  if (typeof asked === 'number') return asked;
  const plan = verb === 'debug' && asked.needsStack ? shrinkPlan(asked) : asked;
  const users = plan === asked ? [] : ['--users', String(plan.users)];
  const run = (env: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<ExitCode> =>
    runEntry(context, harnessEntry, [verb, ...own.rest, ...users], { env, hurryMs, ...(signal === undefined ? {} : { signal }) }).then(({ exitCode }) => exitCode);
  const runId = newRunId(context);
  // One user who walks through a journey once is no load that could set an alert off.
  const announce = (work: () => Promise<ExitCode>): Promise<ExitCode> =>
    verb === 'debug' ? work() : announced(context, { runId, scenario: plan.scenario, summary: `${verb}, ${plan.users} users`, plannedMs: plannedMs(plan) }, work);
  if (!plan.needsStack) {
    refuseOwnFlags(own, ['--stack', '--replicas', '--keep', '--alerts'], 'this run loads a target that is not its own', `leave ${own.given[0]} out`);
    // A control plane that is named watches the target; one of a stack of ours watches that stack.
    const isWatched = (context.host.process.env['SORA_CONTROL_URL'] ?? '') !== '';
    return isWatched ? announce(() => run({ SORA_RUN_ID: runId })) : run({ SORA_RUN_ID: runId });
  }
  const stateDir = stackDir(context);
  const isUp = readLiveStack(context.host, stateDir)?.phase === 'up';
  if (own.stack === 'running' && !isUp) throw invalidConfig('no stack is up', 'start it with npm start, or use --stack own');
  if (plan.shares > 1 && (own.stack === 'own' || !isUp)) {
    throw invalidConfig('shares of a run load one stack together, and this would start one of its own', 'start one with npm start, and run every share with --stack running');
  }
  if (own.stack !== 'own' && isUp) {
    refuseOwnFlags(own, ['--replicas', '--keep', '--alerts'], 'this run loads the stack that is up', 'add --stack own, or leave it out');
    return announce(() => run({ ...stackEnv(context, stateDir), SORA_RUN_ID: runId }));
  }
  // Until the harness runs and hears signals itself, one ends the preparation.
  const interrupt = new AbortController();
  let [isRunning, isHurried] = [false, false];
  const stopListening = onInterrupt(context.host, (count) => {
    interrupt.abort();
    // Not before the other listeners to the same signal: `runEntry` kills the harness's group in its own.
    if (count > 1 && !isRunning) {
      context.host.stderr.write(describeForced(context));
      context.host.timers.after(0, () => context.host.process.exit(exitCodes.interrupted));
    }
    // The harness says so itself, and writes what it measured; the stack then ends on its own.
    isHurried = count > 1;
    if (count === 1 && !isRunning) context.host.stderr.write('\nstopping; press Ctrl-C again to force\n');
  });
  try {
    await using stack = await startLoadStack(context, { ...plan, runId, replicas: own.replicas, keep: own.keep, alerts: own.alerts, signal: interrupt.signal });
    if (interrupt.signal.aborted) throw interruptedError();
    isRunning = true;
    const exitCode = await run({ ...stack.env, SORA_RUN_ID: runId }, stack.died);
    isRunning = false;
    if (isHurried) {
      context.host.stderr.write(describeForced(context));
      context.host.process.exit(exitCodes.interrupted);
    }
    return exitCode;
  } finally {
    stopListening();
  }
}

/** A search, a suite: longer than any of ours takes. */
const unknownMs = 4 * 3_600_000;
/** Setting up, draining and auditing take as long as the users are many, and are not planned. */
const aroundMs = 30 * 60_000;

const plannedMs = ({ durationMs }: Plan): number => (durationMs === undefined ? unknownMs : durationMs + aroundMs);

/** The audit of a merged run asks the stack that is up, where there is one; an address in the environment comes first. */
async function mergeShares(context: Context, args: readonly string[]): Promise<ExitCode> {
  const stateDir = stackDir(context);
  const isUp = readLiveStack(context.host, stateDir)?.phase === 'up';
  const known = (context.host.process.env['SORA_ADMIN_URL'] ?? '') !== '';
  return (await runEntry(context, harnessEntry, ['merge', ...args], { env: isUp && !known ? stackEnv(context, stateDir) : {} })).exitCode;
}

/** What one user's journey needs: few users, unless --users says how many. */
function shrinkPlan(plan: Plan): Plan {
  if (plan.user >= plan.users) throw invalidConfig(`user ${plan.user} does not exist; the scenario has ${plan.users}`, `give one from 0 to ${plan.users - 1}`);
  return plan.usersGiven || plan.users <= debugUsers ? plan : { ...plan, users: Math.max(debugUsers, plan.user + 1) };
}

/** A flag that could have no effect is an error, not a silence. */
function refuseOwnFlags({ given }: OwnFlags, meaningless: readonly string[], why: string, next: string): void {
  const flag = given.find((name) => meaningless.includes(name));
  if (flag !== undefined) throw invalidConfig(`${flag} is about a stack of the run's own, and ${why}`, next);
}

/** Asks the harness what a run needs; a number is the exit code with which it refused. */
async function readPlan(context: Context, planVerb: string, args: readonly string[]): Promise<Plan | ExitCode> {
  const { exitCode, stdout } = await runEntry(context, harnessEntry, [planVerb, ...args], { capture: true, graceMs: 5_000 });
  if (exitCode !== exitCodes.pass) return exitCode;
  try {
    return planSchema.parse(JSON.parse(stdout));
  } catch (error) {
    throw new SoraError('plan_unreadable', `the harness answered ${JSON.stringify(stdout.slice(0, 200))} to plan`, { cause: error });
  }
}

/** Takes out the flags that are about the stack; the harness knows all others. */
function takeOwnFlags(args: readonly string[]): OwnFlags {
  const rest: string[] = [];
  const replicas: string[] = [];
  const given: string[] = [];
  let stack = 'auto';
  let keep = false;
  let alerts = false;
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? '';
    const [name, inline] = argument.split(/=(.*)/s, 2);
    const take = (): string => {
      const value = inline ?? args[++index];
      if (value === undefined) throw invalidConfig(`${argument} needs a value`, 'sora load --help shows which');
      return value;
    };
    if (name === '--stack') stack = take();
    else if (name === '--replicas') replicas.push(take());
    else if (argument === '--keep') keep = true;
    else if (argument === '--alerts') alerts = true;
    else rest.push(argument);
    if (name === '--stack' || name === '--replicas' || argument === '--keep' || argument === '--alerts') given.push(name ?? '');
  }
  const kind = stackKinds.find((known) => known === stack);
  if (kind === undefined) throw invalidConfig(`--stack "${stack}" is unknown`, suggest(stack, stackKinds) ?? `use ${stackKinds.join(', ')}`);
  return { stack: kind, given, replicas: readPairs('replicas', replicas, 64), keep, alerts, rest };
}

/** `20260131-142305-9f2c`: sorts by time, and is safe in file and database names. */
function newRunId({ host }: Context): string {
  const stamp = new Date(host.clock.nowMs()).toISOString().replaceAll(/[-:]|\..*/g, '').replace('T', '-');
  return `${stamp}-${host.random.bytes(2).toString('hex')}`;
}
