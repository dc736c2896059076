/** Who is paged, and who next when nobody acknowledges. */
import type { Severity } from '../alert.ts';
import type { Contact } from '../routing/integration.ts';

export interface PolicyStep {
  /** How long the one before it goes unacknowledged first; of the first step, in later rounds. */
  readonly afterMs: number;
}

export interface Policy {
  readonly name: string;
  /** Alerts of these are paged and escalated; default critical alone. */
  readonly severities: readonly Severity[];
  readonly steps: readonly PolicyStep[];
  /** How often the steps are gone through. */
  readonly rounds: number;
}

/** The on-call file and its overrides, as routing asks them. */
export interface Policies {
  find(name: string): Policy | undefined;
  /** Whom a step pages at a moment; undefined where nobody is on call. */
  personAt(policy: string, step: number, atMs: number): string | undefined;
  contactOf(person: string): Contact | undefined;
}

export const noPolicies: Policies = { find: () => undefined, personAt: () => undefined, contactOf: () => undefined };
