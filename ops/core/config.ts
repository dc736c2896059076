import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { z } from 'zod';
import { invalidConfig, messageOf } from './error.ts';
import type { Host } from './host.ts';

const price = z.number().min(0).max(1e6);

/** What `sora.config.ts` may hold, one part a subsystem. Defaults < this file < environment < flags. */
const configSchema = z.strictObject({
  load: z
    .strictObject({
      /** Hosts, addresses or CIDR ranges besides this machine that may be put under load. */
      staging: z.array(z.string().min(1).max(253)).max(100).default([]),
    })
    .prefault({}),
  /** What resources cost, for pricing runs; without it no money is shown. */
  prices: z
    .strictObject({
      /** One second of one core. */
      cpuSecond: price,
      /** 10^9 bytes of memory for one second. */
      gbSecond: price,
      /** 10^9 bytes sent by the system to its users. */
      egressGb: price,
      /** Such as EUR (ISO 4217). */
      currency: z.string().regex(/^[A-Z]{3}$/, 'must be three capital letters, such as EUR'),
      /** The day the prices were read, such as 2026-01-31. */
      asOf: z.iso.date(),
    })
    .optional(),
});

/** A dated price list. */
export type Prices = NonNullable<z.infer<typeof configSchema>['prices']>;
export type SoraConfig = z.infer<typeof configSchema>;
/** What a `sora.config.ts` exports by default. */
export type SoraConfigFile = z.input<typeof configSchema>;

/** Checks a configuration; gives the type its members. */
export function defineConfig(config: SoraConfigFile): SoraConfigFile {
  return config;
}

/**
 * Reads `sora.config.ts` of a folder; without one, the defaults.
 * @throws SoraError `invalid_config` (104) with all that is wrong in it
 */
export async function readConfig(host: Host, folder: string): Promise<SoraConfig> {
  const file = resolve(folder, 'sora.config.ts');
  if (!host.files.exists(file)) return configSchema.parse({});
  const found = await importDefault(file);
  const result = configSchema.safeParse(found);
  if (result.success) return result.data;
  const issues = result.error.issues.map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`);
  throw invalidConfig(`${file}: ${issues.join('; ')}`, 'ops/core/config.ts lists what it may hold');
}

async function importDefault(file: string): Promise<unknown> {
  try {
    return ((await import(pathToFileURL(file).href)) as { default?: unknown }).default;
  } catch (error) {
    throw invalidConfig(`${file} does not load: ${messageOf(error)}`, 'it must export an object by default', error);
  }
}
