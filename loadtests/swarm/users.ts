/** A user has left the run: its next step is due after the hold. */
const retired = 1;
/** A user has begun its first step. */
const entered = 2;

/**
 * The engine's memory of its users, one array per field: 33 bytes a user, 12 more in the wheel and
 * 12 in the write ledger. What a journey remembers is its author's and lies in `states`.
 */
export class UserTable {
  readonly size: number;
  /** When the next step, or the running one, is due; ms since the run began. */
  readonly dueMs: Float64Array;
  /** When that step could begin: its due time, or later when the reply before it came late. */
  readonly readyMs: Float64Array;
  /** The pause drawn before it. */
  readonly thinkMs: Float32Array;
  /** Steps begun. */
  readonly steps: Uint32Array;
  /** Operations completed without failure. */
  readonly completed: Uint32Array;
  readonly journey: Uint16Array;
  readonly position: Uint16Array;
  readonly #flags: Uint8Array;
  #states: unknown[] | undefined;

  constructor(size: number) {
    this.size = size;
    this.dueMs = new Float64Array(size);
    this.readyMs = new Float64Array(size);
    this.thinkMs = new Float32Array(size);
    this.steps = new Uint32Array(size);
    this.completed = new Uint32Array(size);
    this.journey = new Uint16Array(size);
    this.position = new Uint16Array(size);
    this.#flags = new Uint8Array(size);
  }

  retire(place: number): void {
    this.#flags[place]! |= retired;
  }

  isRetired(place: number): boolean {
    return (this.#flags[place]! & retired) !== 0;
  }

  /** Notes that a user acts; whether it is for the first time. */
  enter(place: number): boolean {
    if ((this.#flags[place]! & entered) !== 0) return false;
    this.#flags[place]! |= entered;
    return true;
  }

  /** What a user's journey remembers; made by `make` at its first step. */
  state(place: number, make: (() => unknown) | undefined): unknown {
    if (make === undefined) return this.#states?.[place];
    this.#states ??= Array.from({ length: this.size });
    return (this.#states[place] ??= make());
  }

  setState(place: number, state: unknown): void {
    if (this.#states === undefined && state === undefined) return;
    this.#states ??= Array.from({ length: this.size });
    this.#states[place] = state;
  }
}
