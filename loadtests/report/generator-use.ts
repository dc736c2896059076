import type { LiveView } from '../swarm/measurement.ts';

/** What the generator itself cost, over its workers and the process that leads them. */
export interface GeneratorUse {
  /** CPU time of the hold, µs, and the operations that ended meanwhile: the cost of one is their quotient. */
  readonly cpuUs: number;
  readonly operations: number;
  /** Resident memory late in the hold. */
  readonly rssBytes: number;
  /** Of that, what it held at 1,000 users: all of it with fewer; null where no sample tells. */
  readonly fixedBytes: number | null;
  /** What each user beyond added, (RSS at N − RSS at 1,000 users) / (N − 1,000); null with fewer or where no sample tells. */
  readonly bytesPerUser: number | null;
}

/** The generator's processes together at the end of a second. */
export interface GeneratorSecond extends Pick<LiveView, 'phase' | 'usersTotal'> {
  /** Operations that ended in it. */
  readonly operations: number;
  readonly cpuUs: number;
  readonly rssBytes: number;
  /** Users that have begun a step so far. */
  readonly usersStarted: number;
  /** Memory that all users took before the first of them acted: accounts, schedule, arrays. */
  readonly laidOutBytes: number;
}

/** Users at which memory counts as the fixed part. */
export const fixedAtUsers = 1_000;
/** Memory wobbles by what awaits the collector: the least of these last seconds of the hold is taken. */
const secondsLast = 60;

/**
 * Tells a user's memory from the fixed part within one run. What the users took before any acted is there
 * at 1,000 acting users already, so their share of it is put where it belongs; the rest is the growth since then.
 */
export class GeneratorRecord {
  #atFew: GeneratorSecond | undefined;
  #cpuFromUs: number | undefined;
  #cpuUs = 0;
  #operations = 0;
  readonly #last: GeneratorSecond[] = [];

  /** Takes the seconds in order. */
  add(second: GeneratorSecond): void {
    if (second.usersStarted >= fixedAtUsers) this.#atFew ??= second;
    if (second.phase === 'ramp') this.#cpuFromUs = second.cpuUs;
    if (second.phase !== 'hold') return;
    this.#last.push(second);
    if (this.#last.length > secondsLast) this.#last.shift();
    // Without a ramp the first second of the hold has no reading before it, and is left out with its operations.
    if (this.#cpuFromUs !== undefined) {
      this.#cpuUs = second.cpuUs - this.#cpuFromUs;
      this.#operations += second.operations;
    } else this.#cpuFromUs = second.cpuUs;
  }

  /** undefined where there was no hold. */
  use(): GeneratorUse | undefined {
    const usersStarted = this.#last.at(-1)?.usersStarted ?? 0;
    // With long pauses the last few begin until the end.
    const whole = this.#last.filter((second) => second.usersStarted >= usersStarted * 0.99);
    const [first] = whole;
    if (first === undefined) return undefined;
    const least = whole.reduce((best, second) => (second.rssBytes < best.rssBytes ? second : best), first);
    return { cpuUs: this.#cpuUs, operations: this.#operations, rssBytes: least.rssBytes, ...splitMemory(this.#atFew, least) };
  }
}

function splitMemory(few: GeneratorSecond | undefined, many: GeneratorSecond): Pick<GeneratorUse, 'fixedBytes' | 'bytesPerUser'> {
  if (many.usersStarted <= fixedAtUsers) return { fixedBytes: many.rssBytes, bytesPerUser: null };
  // Where most users began in one second, nothing was measured between few and many.
  if (few === undefined || many.usersStarted < 2 * few.usersStarted) return { fixedBytes: null, bytesPerUser: null };
  const grown = (many.rssBytes - few.rssBytes) / (many.usersStarted - few.usersStarted);
  const bytesPerUser = Math.max(0, grown + many.laidOutBytes / many.usersTotal);
  return { fixedBytes: Math.max(0, many.rssBytes - bytesPerUser * (many.usersStarted - fixedAtUsers)), bytesPerUser };
}

/** Adds up the generators of a run's shares; undefined where one was not measured. */
export function addUses(uses: readonly (GeneratorUse | undefined)[], usersOf: (share: number) => number): GeneratorUse | undefined {
  const known = uses.filter((use) => use !== undefined);
  if (known.length === 0 || known.length < uses.length) return undefined;
  const sum = (pick: (use: GeneratorUse) => number): number => known.reduce((total, use) => total + pick(use), 0);
  const sumKnown = (pick: (use: GeneratorUse) => number | null): number | null =>
    known.reduce<number | null>((total, use) => { const more = pick(use); return total === null || more === null ? null : total + more; }, 0);
  const usersBeyond = known.reduce((total, _, share) => total + usersOf(share) - fixedAtUsers, 0);
  const fixedBytes = sumKnown((use) => use.fixedBytes);
  const rssBytes = sum((use) => use.rssBytes);
  const bytesPerUser = fixedBytes === null || known.some((use) => use.bytesPerUser === null) || usersBeyond <= 0 ? null : (rssBytes - fixedBytes) / usersBeyond;
  return { cpuUs: sum((use) => use.cpuUs), operations: sum((use) => use.operations), rssBytes, fixedBytes, bytesPerUser };
}
