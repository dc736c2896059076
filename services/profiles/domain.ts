import type { Domain, Platform } from '../platform/domain.ts';
import { createFastProfilesStore, type FastProfilesOptions } from './fast-store.ts';
import { createProfileRoutes } from './routes.ts';

/** Profiles and who follows whom. */
export function createProfiles(platform: Platform, options: FastProfilesOptions = {}): Domain {
  const store = createFastProfilesStore(platform.host, platform.db, platform.metrics, options);
  return {
    name: 'profiles',
    routes: createProfileRoutes(store),
    auditedWrites: [{ kind: 'follow', table: 'follows', userColumn: 'follower_id', writeIdColumn: 'write_id' }],
  };
}
