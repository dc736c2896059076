import { join } from 'node:path';
import { z } from 'zod';
import type { Host } from '../core/host.ts';

const secretsSchema = z.object({
  token: z.string().min(32),
  admin: z.string().min(32),
  webhook: z.string().min(32),
  /** Connection strings of the stack's database; absent until it is known. */
  databaseUrl: z.string().optional(),
  databaseTcpUrl: z.string().optional(),
});

export type StackSecrets = z.infer<typeof secretsSchema>;

function secretsPath(stateDir: string): string {
  return join(stateDir, 'secrets.json');
}

/** Reads the secrets of a stack, making them at the first start; the file is for its owner alone. */
export function keepSecrets(host: Host, stateDir: string): StackSecrets {
  const kept = readSecrets(host, stateDir);
  if (kept !== undefined) return kept;
  const draw = (): string => host.random.bytes(32).toString('base64url');
  const secrets: StackSecrets = { token: draw(), admin: draw(), webhook: draw() };
  writeSecrets(host, stateDir, secrets);
  return secrets;
}

export function writeSecrets(host: Host, stateDir: string, secrets: StackSecrets): void {
  host.files.writeText(secretsPath(stateDir), `${JSON.stringify(secrets, null, 2)}\n`, 0o600);
}

/** Undefined where no stack was ever started in this folder. */
export function readSecrets(host: Host, stateDir: string): StackSecrets | undefined {
  const path = secretsPath(stateDir);
  if (!host.files.exists(path)) return undefined;
  const parsed = secretsSchema.safeParse(JSON.parse(host.files.readText(path)));
  return parsed.success ? parsed.data : undefined;
}
