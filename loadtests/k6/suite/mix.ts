import exec from 'k6/execution';
import http from 'k6/http';
import { Counter, Rate, Trend } from 'k6/metrics';
import { launchJourneys } from '../../scenarios/launch-mix/journeys.ts';
import type { SteppedJourney } from '../../scenarios/launch-mix/journeys.ts';
import { newState } from '../../scenarios/launch-mix/state.ts';
import type { LaunchState } from '../../scenarios/launch-mix/state.ts';
import { KeyedRandom, streams } from '../../swarm/random.ts';
import type { VirtualUser } from '../../swarm/scenario.ts';
import { fixedUsersOf, vusPerFixedUser } from './options.ts';
import { dueAtMs, lengthMs } from './plan.ts';
import type { SuitePlan } from './plan.ts';
import { issueTokens, tokenOf } from './sessions.ts';
import { currentPlan, settings } from './settings.ts';
import { K6User } from './user.ts';

/** Named and counted as in the engine, so that a threshold means the same in both. */
const responseTime = new Trend('response_time', true);
const serviceTime = new Trend('service_time', true);
const poolWait = new Trend('pool_wait', true);
const lateness = new Trend('lateness', true);
const operations = new Counter('operations');
const operationsFailed = new Counter('operations_failed');
const operationsRefused = new Counter('operations_refused');
const operationFailed = new Rate('operation_failed');
const operationRefused = new Rate('operation_refused');

/** What `setup` gives every virtual user. */
interface MixData {
  readonly posts: number;
  /** Empty where a file holds them. */
  readonly tokens: readonly string[];
  /** When the scenarios began, to a few ms. */
  readonly startedAtMs: number;
}

const probes = 5;
/** Of one virtual user. */
const complaintsMax = 3;
let complaints = 0;
const fixed = fixedUsersOf(launchJourneys);
const mixed = launchJourneys.filter(({ weight }) => weight > 0);
const weights = mixed.reduce((sum, { weight }) => sum + weight, 0);
/** What this virtual user's users remember; it plays users divided by virtual users of them. */
const memory = new Map<number, { steps: number; state: LaunchState }>();

/** Signs the users in and learns how much there is to like, as the engine's scenario does. */
export function setup(): MixData {
  const { users } = currentPlan();
  const tokens = issueTokens(users);
  let posts = 1;
  for (let user = 0; user < Math.min(probes, users); user++) {
    const reply = http.get(`${settings.target}/feed?limit=1`, { headers: { authorization: `Bearer ${tokenOf(tokens, user)}` }, tags: { name: 'getFeed' } });
    if (reply.status !== 200) throw new Error(`the feed of user ${user} answered ${reply.status} ${reply.error}; is ${settings.target} up and seeded?`);
    posts = Math.max(posts, (reply.json() as unknown as { items: { id: number }[] }).items[0]?.id ?? 0);
  }
  return { posts, tokens, startedAtMs: new Date().getTime() };
}

/** One operation of one user of the mix. */
export async function act(data: MixData): Promise<void> {
  const plan = currentPlan();
  const user = userOfTurn(plan);
  const known = memory.get(user) ?? { steps: 0, state: newState() };
  memory.set(user, known);
  const step = known.steps++;
  const point = new KeyedRandom(settings.seed, user, step, streams.journey).float() * weights;
  const dueMs = dueAtMs(plan, exec.scenario.iterationInTest);
  const delayMs = sinceDueMs(dueMs);
  known.state = await play({ index: user, step, journey: journeyAt(point), state: known.state, data, dueMs, lateMs: delayMs - leastDelay(delayMs) });
}

/** One operation of a user that takes one journey and no other. */
export async function actFixed(data: MixData): Promise<void> {
  const index = Number(__ENV['SORA_FIXED_USER']);
  const own = fixed.find(({ user }) => user === index);
  if (own === undefined) throw new Error(`no journey is user ${index}'s own`);
  const turn = exec.scenario.iterationInTest;
  const dueMs = turn * own.everyMs;
  await play({ index, step: turn, journey: own.journey, state: newState(), data, dueMs, lateMs: Math.max(0, sinceDueMs(dueMs)) });
}

/**
 * k6 gives the virtual users their turns in a circle, so each plays a share of the users in its own
 * circle and remembers them. Shares go by the number of the virtual user among all of the run; those
 * that fall to the few that play fixed users, or are browsers, stay out.
 */
function userOfTurn({ users, vus, browsers }: SuitePlan): number {
  const shares = vus + browsers + fixed.length * vusPerFixedUser;
  const others = users - fixed.length;
  const share = (exec.vu.idInTest - 1) % shares;
  const held = Math.max(1, Math.ceil((others - share) / shares));
  return fixed.length + ((share + shares * (exec.vu.iterationInScenario % held)) % others);
}

function journeyAt(point: number): SteppedJourney {
  let left = point;
  const found = mixed.find(({ weight }) => (left -= weight) < 0) ?? mixed.at(-1);
  if (found === undefined) throw new Error('the mix has no journey');
  return found;
}

/** Time since a moment of this scenario, to 1 ms: k6 tells a scenario's start, as the clock does the time, in whole ones. */
const sinceDueMs = (dueMs: number): number => new Date().getTime() - exec.scenario.startTime - dueMs;

let leastDelayMs = Number.POSITIVE_INFINITY;

/**
 * k6 counts a ramping scenario's start before it has readied its virtual users, and the due times from
 * after that, which it does not tell. By so much every operation seems late; the least that this
 * virtual user has seen is taken for it, which it has done by the end of the ramp.
 */
function leastDelay(delayMs: number): number {
  leastDelayMs = Math.min(leastDelayMs, delayMs);
  return leastDelayMs;
}

/** One step of one user. */
interface Turn {
  readonly index: number;
  readonly step: number;
  readonly journey: SteppedJourney;
  readonly state: LaunchState;
  readonly data: MixData;
  /** Since its scenario's start. */
  readonly dueMs: number;
  readonly lateMs: number;
}

/** Plays a step and counts it; times count from when it was due. Answers what the user remembers. */
async function play(turn: Turn): Promise<LaunchState> {
  const planned = turn.journey.steps[turn.step % turn.journey.steps.length];
  if (planned === undefined) return turn.state;
  const startedMs = exec.instance.currentTestRunDuration;
  const user = beginStep(turn, planned.op);
  try {
    // The journeys of the mix use no more of a user than this one has.
    await planned.run(user as unknown as VirtualUser<LaunchState>);
  } catch (error) {
    if (!user.failed) user.check(false, 'the step does not throw');
    complain(`${planned.op} of user ${turn.index}, step ${turn.step}: ${String(error)}`);
  }
  count(user, turn.lateMs, exec.instance.currentTestRunDuration - startedMs);
  return user.state;
}

/** Tags what the step will measure. */
function beginStep(turn: Turn, op: string): K6User {
  const plan = currentPlan();
  Object.assign(exec.vu.metrics.tags, { op, group: `::${op}`, phase: turn.dueMs < lengthMs(plan, 'ramp') ? 'ramp' : 'hold' });
  const { index, step, data, state } = turn;
  return new K6User(index, step, tokenOf(data.tokens, index), { users: plan.users, posts: data.posts }, state);
}

/** Says the first few of what went wrong; the rest is counted only. */
function complain(message: string): void {
  // oxlint-disable-next-line no-console -- k6's way to standard error
  if (complaints++ < complaintsMax) console.warn(message);
}

function count(user: K6User, lateMs: number, tookMs: number): void {
  const refused = user.refused && !user.failed;
  responseTime.add(lateMs + tookMs);
  serviceTime.add(user.serviceMs);
  poolWait.add(user.poolWaitMs);
  lateness.add(lateMs);
  operations.add(1);
  operationFailed.add(user.failed);
  operationRefused.add(refused);
  operationsFailed.add(user.failed ? 1 : 0);
  operationsRefused.add(refused ? 1 : 0);
}
