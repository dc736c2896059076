import { createAi, type AiOptions } from '../ai/domain.ts';
import { createChat } from '../chat/domain.ts';
import { createFeed } from '../feed/domain.ts';
import { createPayments, type PaymentsOptions } from '../payments/domain.ts';
import type { Domain, Platform } from '../platform/domain.ts';
import { createProfiles } from '../profiles/domain.ts';
import { createWallet } from '../wallet/domain.ts';

export interface DomainOptions {
  readonly payments: PaymentsOptions;
  readonly ai: AiOptions;
}

/** Avalo's domains, as the api serves them and the workers run their jobs; accounts is the api's alone. */
export function createDomains(platform: Platform, options: DomainOptions): Domain[] {
  return [
    createProfiles(platform),
    createFeed(platform),
    createChat(platform),
    createWallet(platform),
    createPayments(platform, options.payments),
    createAi(platform, options.ai),
  ];
}
