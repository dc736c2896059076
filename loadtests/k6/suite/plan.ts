/**
 * The six suites as data, and what follows from them. k6 and the harness both read this file, so it
 * imports nothing: the harness learns from it what k6 was to do.
 */

/** `ramp` is not judged, `hold` is. The stages of a suite are ramps first, then holds. */
export type SuitePhase = 'ramp' | 'hold';

interface StageShape {
  /** Share of the suite's length. */
  readonly share: number;
  /** Rate at its end, as a multiple of users divided by think time. */
  readonly to: number;
  readonly phase: SuitePhase;
}

interface SuiteShape {
  readonly about: string;
  readonly users: number;
  readonly thinkTimeMs: number;
  readonly durationMs: number;
  /** Multiple at which it starts. */
  readonly from: number;
  readonly stages: readonly StageShape[];
  /** Ends as soon as a threshold on times or failures is missed. */
  readonly abortsOnMiss: boolean;
}

/** What each suite does unless flags say otherwise; but for smoke the base is 2,000 users with 10 s of think time, 200 operations/s. */
export const suites = {
  smoke: {
    about: 'a few operations a second, to see that every journey works',
    users: 100, thinkTimeMs: 10_000, durationMs: 15_000, from: 1, abortsOnMiss: false,
    stages: [{ share: 0.2, to: 1, phase: 'ramp' }, { share: 0.8, to: 1, phase: 'hold' }],
  },
  load: {
    about: 'the expected load, held',
    users: 2_000, thinkTimeMs: 10_000, durationMs: 330_000, from: 0, abortsOnMiss: false,
    stages: [{ share: 1 / 11, to: 1, phase: 'ramp' }, { share: 10 / 11, to: 1, phase: 'hold' }],
  },
  stress: {
    about: 'twice and three times the expected load, each held',
    users: 2_000, thinkTimeMs: 10_000, durationMs: 480_000, from: 0, abortsOnMiss: false,
    stages: [
      { share: 0.1, to: 1, phase: 'ramp' }, { share: 0.2, to: 1, phase: 'hold' }, { share: 0.05, to: 2, phase: 'hold' },
      { share: 0.3, to: 2, phase: 'hold' }, { share: 0.05, to: 3, phase: 'hold' }, { share: 0.3, to: 3, phase: 'hold' },
    ],
  },
  spike: {
    about: 'five times the expected load for a minute; judged is the time after it',
    users: 2_000, thinkTimeMs: 10_000, durationMs: 300_000, from: 0, abortsOnMiss: false,
    stages: [
      { share: 0.1, to: 1, phase: 'ramp' }, { share: 0.1, to: 1, phase: 'ramp' }, { share: 0.03, to: 5, phase: 'ramp' },
      { share: 0.2, to: 5, phase: 'ramp' }, { share: 0.03, to: 1, phase: 'ramp' }, { share: 0.54, to: 1, phase: 'hold' },
    ],
  },
  soak: {
    about: 'the expected load for an hour',
    users: 2_000, thinkTimeMs: 10_000, durationMs: 3_660_000, from: 0, abortsOnMiss: false,
    stages: [{ share: 1 / 61, to: 1, phase: 'ramp' }, { share: 60 / 61, to: 1, phase: 'hold' }],
  },
  breakpoint: {
    about: 'a rate that climbs to twenty times the expected one and ends where a threshold is missed',
    users: 2_000, thinkTimeMs: 10_000, durationMs: 1_230_000, from: 0, abortsOnMiss: true,
    stages: [{ share: 1 / 41, to: 1, phase: 'ramp' }, { share: 40 / 41, to: 20, phase: 'hold' }],
  },
} as const satisfies Readonly<Record<string, SuiteShape>>;

export type SuiteName = keyof typeof suites;
export const suiteNames = Object.keys(suites) as readonly SuiteName[];

/** Operations a minute, in whole ones because k6 takes no others, at the end of a stage. */
export interface Stage {
  readonly durationMs: number;
  readonly toPerMin: number;
  readonly phase: SuitePhase;
}

/** A suite with its figures filled in. */
export interface SuitePlan {
  readonly name: SuiteName | 'browser';
  readonly about: string;
  readonly users: number;
  readonly thinkTimeMs: number;
  readonly startPerMin: number;
  readonly stages: readonly Stage[];
  /** k6's virtual users for the mix; each plays a share of the users in turn. */
  readonly vus: number;
  /** Real browsers beside the mix. */
  readonly browsers: number;
  readonly abortsOnMiss: boolean;
}

/** What flags may change. */
export interface SuiteChanges {
  readonly users?: number | undefined;
  readonly thinkTimeMs?: number | undefined;
  /** Length of the whole suite; its stages keep their shares. */
  readonly durationMs?: number | undefined;
}

/** Bounds of what a suite can be; k6 needs about 0.2 to 0.5 MB a virtual user, and the rarest journey its turn in the hold. */
export const suiteLimits = { usersMin: 20, usersMax: 200_000, vusMin: 60, vusMax: 5_000, browsersMax: 50, durationMinMs: 8_000, durationMaxMs: 86_400_000 } as const;

/** A virtual user is busy while it waits for a reply; so many seconds of the highest rate fit at once. */
const busyS = 2;

/** Fills in a suite's figures. Pure. */
export function planSuite(name: SuiteName, changes: SuiteChanges = {}): SuitePlan {
  const shape: SuiteShape = suites[name];
  const users = changes.users ?? shape.users;
  const thinkTimeMs = changes.thinkTimeMs ?? shape.thinkTimeMs;
  const durationMs = changes.durationMs ?? shape.durationMs;
  const perMin = (factor: number): number => Math.round((factor * users * 60_000) / thinkTimeMs);
  const stages = shape.stages.map(({ share, to, phase }) => ({ durationMs: Math.round(durationMs * share), toPerMin: perMin(to), phase }));
  const highestPerS = Math.max(...stages.map((stage) => stage.toPerMin)) / 60;
  const vus = Math.min(suiteLimits.vusMax, Math.max(suiteLimits.vusMin, Math.ceil(highestPerS * busyS)));
  return { name, about: shape.about, users, thinkTimeMs, startPerMin: perMin(shape.from), stages, vus, browsers: 0, abortsOnMiss: shape.abortsOnMiss };
}

/** A plan of the mix with browsers beside it. @param browsers default 1 */
export function planBrowsers(plan: SuitePlan, browsers = 1): SuitePlan {
  return { ...plan, name: 'browser', about: 'real browsers read the documentation and a report while the mix runs', browsers };
}

/** Length of the stages of a phase, or of all, in ms. */
export function lengthMs(plan: Pick<SuitePlan, 'stages'>, phase?: SuitePhase): number {
  return plan.stages.reduce((sum, stage) => sum + (phase === undefined || stage.phase === phase ? stage.durationMs : 0), 0);
}

/**
 * When the n-th operation of the mix falls due, in ms since its scenario began; Infinity beyond the
 * last. k6's ramping-arrival-rate starts the n-th (from 0) when the area under the rate reaches n + 1.
 */
export function dueAtMs(plan: Pick<SuitePlan, 'startPerMin' | 'stages'>, n: number): number {
  let left = n + 1;
  let beganMs = 0;
  let from = plan.startPerMin / 60_000;
  for (const { durationMs, toPerMin } of plan.stages) {
    const to = toPerMin / 60_000;
    const area = ((from + to) / 2) * durationMs;
    // The root of from·x + slope·x²/2 = left, in the form that is exact where the slope is 0.
    if (left <= area) return beganMs + (2 * left) / (from + Math.sqrt(from * from + (2 * left * (to - from)) / durationMs));
    left -= area;
    beganMs += durationMs;
    from = to;
  }
  return Number.POSITIVE_INFINITY;
}

/** Operations of the mix that fall due before a moment of the suite: the area under its rate. */
export function dueBefore(plan: Pick<SuitePlan, 'startPerMin' | 'stages'>, atMs: number): number {
  let sum = 0;
  let beganMs = 0;
  let from = plan.startPerMin / 60_000;
  for (const { durationMs, toPerMin } of plan.stages) {
    const to = toPerMin / 60_000;
    const inMs = Math.min(durationMs, Math.max(0, atMs - beganMs));
    if (durationMs > 0) sum += from * inMs + ((to - from) * inMs * inMs) / (2 * durationMs);
    beganMs += durationMs;
    from = to;
  }
  return sum;
}
