import { keyReused } from '../platform/idempotency.ts';
import { Problem } from '../platform/problem.ts';
import type { Companion } from './schemas.ts';

interface Persona extends Companion {
  /** The instructions the model gets before the user's message. */
  readonly system: string;
}

const persona = (id: number, name: string, model: string, description: string): Persona => ({
  id, name, model, description, system: `You are ${name}, ${description}. Answer warmly, briefly and safely.`,
});

/** The companions users may talk to; a fixed catalogue, so labels by model stay bounded. */
export const companions: readonly Persona[] = [
  persona(1, 'Mira', 'companion-small', 'a cheerful guide to the app'),
  persona(2, 'Juno', 'companion-small', 'a coach for creators'),
  persona(3, 'Ravi', 'companion-small', 'a patient listener'),
  persona(4, 'Noor', 'companion-large', 'a storyteller'),
  persona(5, 'Teo', 'companion-large', 'a planner of evenings out'),
];
const byId = new Map(companions.map((companion) => [companion.id, companion]));

export const findCompanion = (id: number): Persona | undefined => byId.get(id);

/** Tokens a user may use a UTC day before further messages get 429. */
export const dailyTokensMax = 200_000;
/** Tokens a day over all users that are paid for, where no other figure is given: 23,000 a second. */
export const tokensPerDayDefault = 2_000_000_000;
/** Longest reply asked of a model, tokens. */
export const replyTokensMax = 512;

/** Tokens of a text whose provider gave no count: four characters a token, as English has on average. */
export function estimateTokens(characters: number): number {
  return Math.ceil(characters / 4);
}

const dayS = 86_400;

/** Whole seconds until the budget is fresh again: the next midnight UTC. */
export function budgetResetsInS(nowMs: number): number {
  return dayS - (Math.floor(nowMs / 1_000) % dayS);
}

/** @throws Problem 429 `ai_budget_exhausted` when today's tokens are used up */
export function requireBudget(usedToday: number, nowMs: number): void {
  if (usedToday < dailyTokensMax) return;
  const retryAfterS = budgetResetsInS(nowMs);
  throw new Problem(429, 'ai_budget_exhausted', `${usedToday} of ${dailyTokensMax} tokens a day are used: wait until midnight UTC`, { retryAfterS });
}

/** What was asked, and under which key. */
interface Asked {
  readonly companionId: number;
  readonly writeId: string;
  readonly text: string;
}

/** @throws Problem 409 `idempotency_key_reused` when the key belongs to another message */
export function requireSameMessage(stored: { readonly companionId: number; readonly prompt: string }, asked: Asked): void {
  if (stored.companionId !== asked.companionId || stored.prompt !== asked.text) throw keyReused(asked.writeId, 'message');
}

/** Why a message is not answered. */
export function contentBlocked(categories: readonly string[]): Problem {
  return new Problem(422, 'content_blocked', `the message breaks the content rules: ${categories.join(', ')}`, { categories });
}
