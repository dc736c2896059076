import type { ControlClient } from '../../../ops/control/client.ts';
import type { Host } from '../../../ops/core/host.ts';
import type { StackState } from '../../../ops/supervisor/stack-state.ts';
import type { Receiver } from './receiver.ts';
import type { RunbookNotes } from './runbook.ts';

/** The running stack, as somebody outside reaches it. */
export interface World {
  readonly host: Host;
  /** Aborted when the user wants to stop. */
  readonly signal: AbortSignal;
  readonly control: ControlClient;
  readonly receiver: Receiver;
  /** Folder of the drill's own state, on the disk that is watched. */
  readonly home: string;
  /** Connection string of Avalo's database. */
  readonly databaseUrl: string;
  /** The TLS server whose certificate the workers watch. */
  readonly tls: { readonly port: number; readonly useCertificateOf: (lifeMs: number) => void };
  readonly stack: () => StackState;
  /** Stops the stack, lets `change` work on its folder, and starts it again. */
  readonly restart: (change: () => void) => Promise<void>;
  readonly say: (text: string) => void;
}

/** Takes the fault away again. */
export type Undo = () => Promise<void>;

/** A condition brought about from outside, and the alerts that must follow. */
export interface Fault {
  readonly name: string;
  /** What is done, for the table. */
  readonly what: string;
  readonly target: string;
  readonly alerts: readonly string[];
  /** Until the condition of a rule that is about age can hold at all, ms; told in the table and left out of the figures. Default 0. */
  readonly conditionAfterMs?: number;
  /** How long an alert, and later its end, may take. Default 120 s. */
  readonly patienceMs?: number;
  readonly begin: (world: World) => Promise<Undo>;
  /** What a person finds out under this fault who follows the runbooks of its alerts. */
  readonly notes?: (world: World) => Promise<RunbookNotes> | RunbookNotes;
  /** Beginnings of commands of their mitigation that end the fault; they are run in place of what `begin` answers. */
  readonly mitigation?: readonly string[];
}

/** Faults that touch different parts and are brought about at the same time. */
export type Round = readonly Fault[];
