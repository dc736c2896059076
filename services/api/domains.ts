import { createAccounts, type AccountsOptions } from '../accounts/domain.ts';
import { createChat } from '../chat/domain.ts';
import { createFeed } from '../feed/domain.ts';
import type { Domain, Platform } from '../platform/domain.ts';
import { createProfiles } from '../profiles/domain.ts';
import { profileMaker } from '../profiles/store.ts';
import { createWallet } from '../wallet/domain.ts';

export interface DomainOptions {
  readonly accounts: Omit<AccountsOptions, 'profiles'>;
}

/** All of Avalo's domains, wired to one another through their ports. */
export function createDomains(platform: Platform, options: DomainOptions): Domain[] {
  return [
    createAccounts(platform, { ...options.accounts, profiles: profileMaker }),
    createProfiles(platform),
    createFeed(platform),
    createChat(platform),
    createWallet(platform),
  ];
}
