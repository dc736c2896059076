import { type DebugEvent, type DebugStage, endOf } from './debug-stage.ts';
import { type FunctionHost, FunctionUser } from './journey/function-user.ts';
import { OperationNames } from './journey/operation-names.ts';
import { TagBook } from './journey/tags.ts';
import type { PlannedStep } from './journeys.ts';
import type { HttpReply, HttpRequest } from './scenario.ts';
import { type Rememberer, StepUser } from './step-user.ts';

/** Plays one iteration of a journey that is a function, without its pauses, and yields what happens. */
export async function* playFunction(stage: DebugStage, planned: PlannedStep, index: number, thinkTimeMs: number): AsyncGenerator<DebugEvent> {
  const host = new DebugFunctions(stage, thinkTimeMs);
  const user = new FunctionUser(host, 0, index, index, 0, planned);
  yield* stage.watch(user, async () => {
    try {
      await planned.whole?.(user);
    } catch (error) {
      user.blame(error);
    }
    user.finish();
  });
}

/** The engine's part for one function: each operation is told as a step. */
class DebugFunctions implements FunctionHost {
  readonly #stage: DebugStage;
  readonly #names = new OperationNames([]);
  readonly #tags = new TagBook();
  #steps = 0;
  #thinkTimeMs: number;

  constructor(stage: DebugStage, thinkTimeMs: number) {
    this.#stage = stage;
    this.#thinkTimeMs = thinkTimeMs;
  }

  open(user: FunctionUser, name: string): StepUser {
    const planned = this.#names.find(name);
    const step = this.#steps++;
    this.#stage.tell({ kind: 'step', step, op: planned.op, thinkTimeMs: this.#thinkTimeMs });
    const frame = { dueMs: 0, readyMs: 0, thinkMs: this.#thinkTimeMs, idleMs: 0, wokenLateMs: 0, settled: false, tags: user.tags };
    this.#thinkTimeMs = 0;
    return new StepUser(this.#stage, 0, user.index, step, planned, 0, 0, user.key, frame);
  }

  close(operation: StepUser): void {
    operation.closed = true;
    this.#stage.tell(endOf(operation));
  }

  blame(operation: StepUser, error: unknown): void {
    this.#stage.tellThrown(operation, error);
  }

  suspend(user: FunctionUser, pauseMs: number): void {
    this.#stage.tell({ kind: 'pause', pauseMs });
    this.#thinkTimeMs = pauseMs;
    queueMicrotask(() => user.wake());
  }

  stepOf(): number {
    return this.#steps;
  }

  tagged(tags: readonly number[] | undefined, name: string, value: string): readonly number[] {
    return this.#tags.add(tags, name, value);
  }

  get seed(): number {
    return this.#stage.seed;
  }

  get run(): string {
    return this.#stage.run;
  }

  get shared(): unknown {
    return this.#stage.shared;
  }

  get openly(): boolean {
    return this.#stage.openly;
  }

  get usersTotal(): number {
    return this.#stage.usersTotal;
  }

  send(operation: StepUser, request: HttpRequest): Promise<HttpReply> {
    return this.#stage.send(operation, request);
  }

  stateOf(user: Rememberer): unknown {
    return this.#stage.stateOf(user);
  }

  setStateOf(user: Rememberer, state: unknown): void {
    this.#stage.setStateOf(user, state);
  }

  dropWrite(): void {
    this.#stage.dropWrite();
  }

  onCheck(ok: boolean, name: string): void {
    this.#stage.onCheck(ok, name);
  }
}
