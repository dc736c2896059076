import type { ControlClient } from '../../../ops/control/client.ts';
import type { Host } from '../../../ops/core/host.ts';
import type { StackState } from '../../../ops/supervisor/stack-state.ts';
import type { Receiver } from './receiver.ts';

/** What causes reach: the running stack from outside, and the surroundings that the drill has given it. */
export interface World {
  readonly host: Host;
  /** Aborted when the drill is to end. */
  readonly signal: AbortSignal;
  readonly receiver: Receiver;
  /** State folder of the drill. */
  readonly home: string;
  readonly control: ControlClient;
  /** Of Avalo's database. */
  readonly databaseUrl: string;
  /** A TLS server whose certificate the stack watches. */
  readonly tls: { useCertificateOf(lifeMs: number): void };
  /** The stack as its supervisor last described it. */
  stack(): StackState;
  /** Stops the stack, makes a change, and starts it again. */
  restart(change: () => void): Promise<void>;
  /** Says what happens, for people. */
  say(text: string): void;
}

/** Takes the cause away. */
export type Undo = () => Promise<void>;

/** Something that goes wrong, and the alerts that must tell of it. */
export interface Cause {
  readonly name: string;
  /** What is done, for people. */
  readonly what: string;
  /** The part it happens to, for the event log. */
  readonly target: string;
  /** Names of the alerts that must fire. */
  readonly alerts: readonly string[];
  /** How long after the cause the condition can hold at the earliest, as where something must grow old. Default 0. */
  readonly conditionAfterMs?: number;
  /** Longest wait for a message. Default 2 min. */
  readonly patienceMs?: number;
  begin(world: World): Promise<Undo>;
}

/** Causes that are brought about together. */
export type Round = readonly Cause[];
