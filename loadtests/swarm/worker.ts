import { dirname } from 'node:path';
import type { Host, Timer } from '../../ops/core/host.ts';
import { Engine } from './engine.ts';
import { HealthMonitor } from './health.ts';
import { loadFeeders } from './feeder.ts';
import { importScenario } from './import-scenario.ts';
import { historyMax, type HistoryStep, type WorkerHealth } from './measurement.ts';
import type { Scenario } from './scenario.ts';
import { RunClock } from './run-clock.ts';
import { SecondClock } from './second-clock.ts';
import type { Courier } from './transport/courier.ts';
import { createCourier, plainLink } from './transport/create-transport.ts';
import type { FromWorker, WorkerJob } from './worker-messages.ts';

type Report = (message: FromWorker) => void;

/** Resident memory of this process before it heard of its job, and once it had it with all that `setup` shares. */
export interface MemoryBefore {
  readonly atStartBytes: number;
  readonly withJobBytes: number;
}

/**
 * How often the schedule is looked at. Lateness grows by half of it on average; in return what falls due
 * together is sent together, so that generator, gateway and api wake once for several requests.
 */
const turnMs = 7;
/** So long after a look a reply is reason for the next: it has woken the process, and on a busy machine the timer may be late. */
const lookMs = 4;

/** Runs one share of the users in this process and reports each second. */
export class Worker {
  readonly #host: Host;
  readonly #job: WorkerJob;
  readonly #report: Report;
  readonly #engine: Engine;
  readonly #courier: Courier;
  readonly #health: HealthMonitor;
  readonly #history: HistoryStep[] = [];
  #turning: Timer | undefined;
  readonly #clock: RunClock;
  readonly #seconds: SecondClock;
  #stopAtMs = Number.POSITIVE_INFINITY;
  readonly #laidOutBytes: number;
  #done = false;
  #lookedMs = 0;
  #looksSoon = false;

  private constructor(host: Host, job: WorkerJob, report: Report, scenario: Scenario<never>, clock: RunClock, courier: Courier, memory: MemoryBefore) {
    const rssBeforeUsersBytes = host.process.rssBytes();
    this.#host = host;
    this.#job = job;
    this.#report = report;
    this.#health = new HealthMonitor(host, memory.atStartBytes, turnMs);
    this.#clock = clock;
    this.#courier = courier;
    this.#engine = new Engine({
      scenario,
      plan: job.plan,
      partition: job.partition,
      shared: job.shared,
      judged: job.judged,
      carrier: this.#courier,
      now: clock.now,
      soon: (run) => host.timers.soon(run),
      onEnd: this.#onEnd,
      traced: (user) => user === job.sampledUser,
      onTraced: (_user, record) => {
        if (this.#history.length < historyMax) this.#history.push(record);
      },
    });
    this.#seconds = new SecondClock(host.timers, clock.now, this.#second);
    this.#laidOutBytes = Math.max(0, memory.withJobBytes - memory.atStartBytes) + Math.max(0, host.process.rssBytes() - rssBeforeUsersBytes);
  }

  /**
   * Loads the scenario, whose shape the coordinator has checked: the schemas would be a tenth of a small worker's memory.
   * @throws SoraError when it does not load
   */
  static async prepare(host: Host, job: WorkerJob, report: Report, memory: MemoryBefore): Promise<Worker> {
    const scenario = (await importScenario(job.scenarioFile)) as Scenario<never>;
    await loadFeeders(host.files, dirname(job.scenarioFile));
    const clock = new RunClock(host.clock);
    const courier = await createCourier({
      target: job.target,
      policy: job.policy,
      link: job.link ?? plainLink,
      sockets: job.sockets,
      socketsMost: job.socketsMost,
      partition: job.partition,
      habits: scenario,
      now: clock.now,
      nowMs: () => host.clock.nowMs(),
      randomBytes: (count) => host.random.bytes(count),
    });
    return new Worker(host, job, report, scenario, clock, courier, memory);
  }

  /** @param startAtMs wall time at which the run begins, the same for all workers */
  start(startAtMs: number): void {
    this.#clock.set(startAtMs);
    this.#turning = this.#host.timers.every(turnMs, () => {
      this.#health.turn(this.#clock.now());
      this.#turn();
    });
    this.#seconds.start();
  }

  /** Begins no further step, and ends when those in flight have, or after the grace. */
  stop(graceMs: number): void {
    if (this.#done) return;
    this.#engine.stop();
    this.#stopAtMs = this.#clock.now() + graceMs;
    if (!this.#clock.isSet) this.#finish();
  }

  readonly #onEnd = (nowMs: number): void => {
    if (nowMs - this.#lookedMs < lookMs || this.#looksSoon) return;
    this.#looksSoon = true;
    this.#host.timers.soon(this.#look);
  };

  readonly #look = (): void => {
    this.#looksSoon = false;
    if (!this.#done) this.#turn();
  };

  #turn(): void {
    const nowMs = this.#clock.now();
    if (nowMs < 0) return;
    this.#lookedMs = nowMs;
    this.#engine.tick(nowMs);
    this.#courier.tick(nowMs);
    if (nowMs >= this.#stopAtMs) this.#engine.abandon();
    const ended = nowMs >= this.#engine.endMs || this.#engine.complete || this.#stopAtMs < Number.POSITIVE_INFINITY;
    if (this.#engine.finished && ended) this.#finish();
  }

  /** What a stall passed over is reported too, each second with what there is: the coordinator waits for all of them. */
  readonly #second = (second: number, isLatest: boolean): void => {
    const nowMs = this.#clock.now();
    const { rampMs, holdMs } = this.#job.plan;
    if (isLatest) this.#health.sample(nowMs, nowMs >= rampMs && nowMs < rampMs + holdMs);
    this.#tick(second);
  };

  #tick(second: number): void {
    this.#report({
      kind: 'tick',
      tick: { worker: this.#job.worker, second, health: this.#healthNow(), ...this.#engine.tally.take(), tags: this.#engine.books.tags.take(), checks: this.#engine.books.checks.take() },
    });
  }

  #healthNow(): WorkerHealth {
    const nowMs = this.#clock.isSet ? this.#clock.now() : 0;
    return {
      worker: this.#job.worker,
      pid: this.#host.process.pid,
      cpuUs: this.#health.cpuUs,
      coreShareMax: this.#health.coreShareMax,
      rssBytes: this.#health.rssBytes,
      rssAtStartBytes: this.#health.rssAtStartBytes,
      laidOutBytes: this.#laidOutBytes,
      loopDelayP99Ms: this.#health.loopDelayP99Ms,
      usersStarted: this.#engine.usersStarted,
      usersActive: this.#engine.usersActive(nowMs),
      unsent: this.#engine.unsent,
      links: this.#courier.counts,
      namesBeyond: { operations: this.#engine.names.overflow, ...this.#engine.books.beyond },
      ...this.#arrivals(),
    };
  }

  /** Shared iterations do not arrive: they wait for nobody but their turn. */
  #arrivals(): Pick<WorkerHealth, 'usersAsNeeded' | 'arrivalsQueued' | 'arrivalsBegun' | 'arrivalsCut'> {
    const { roster } = this.#engine;
    if (roster === undefined) return {};
    if (this.#job.plan.arrival?.kind === 'iterations') return { usersAsNeeded: true };
    return { usersAsNeeded: true, arrivalsQueued: roster.queued, arrivalsBegun: roster.begun, arrivalsCut: roster.cut };
  }

  #finish(): void {
    if (this.#done) return;
    this.#done = true;
    this.#turning?.cancel();
    if (this.#clock.isSet) this.#seconds.catchUp();
    this.#seconds.stop();
    const endedMs = this.#clock.isSet ? this.#clock.now() : 0;
    // Writes still under way become indeterminate here.
    this.#courier.close();
    this.#health.sample(endedMs, false);
    this.#tick(Math.max(0, Math.floor(endedMs / 1_000)));
    const { writes, users } = this.#engine;
    this.#report({
      kind: 'done',
      result: {
        worker: this.#job.worker,
        endedMs,
        completed: users.completed,
        acknowledged: writes.acknowledged,
        checksum: writes.checksum,
        indeterminate: writes.indeterminate,
        indeterminateDropped: writes.indeterminateDropped,
        byKind: writes.byKind,
        reach: writes.reach,
        history: this.#history,
      },
    });
  }
}
