import { join } from 'node:path';
import { z } from 'zod';
import type { Host } from '../core/host.ts';

const secret = z.string().min(32);

const secretsSchema = z.object({
  token: secret,
  /** When `token` must have been replaced; processes get what stands here when they start. */
  tokenExpiresAt: z.iso.datetime().optional(),
  admin: secret,
  webhook: secret,
  /** Of the control plane: a token for each role and one for an Alertmanager's webhook, the key that signs acknowledge links, and that of its heartbeat. */
  control: z.object({ viewer: secret, operator: secret, admin: secret, ack: secret, heartbeat: secret, alertmanager: secret.optional() }).optional(),
  /** Connection strings of the stack's database; absent until it is known. */
  databaseUrl: z.string().optional(),
  databaseTcpUrl: z.string().optional(),
  /** The same of the control plane's own database. */
  controlDatabaseUrl: z.string().optional(),
  controlDatabaseTcpUrl: z.string().optional(),
});

export type StackSecrets = z.infer<typeof secretsSchema>;
export type KeptSecrets = StackSecrets & { readonly control: NonNullable<StackSecrets['control']> & { readonly alertmanager: string }; readonly tokenExpiresAt: string };

/** The key that signs access tokens is of use to a thief for so long at most. */
const tokenLifeMs = 90 * 86_400_000;

function secretsPath(stateDir: string): string {
  return join(stateDir, 'secrets.json');
}

/** Reads the secrets of a stack, making them at the first start; the file is for its owner alone. */
export function keepSecrets(host: Host, stateDir: string): KeptSecrets {
  const kept = readSecrets(host, stateDir);
  const { control, tokenExpiresAt } = kept ?? {};
  if (kept !== undefined && control?.alertmanager !== undefined && tokenExpiresAt !== undefined) return { ...kept, control: { ...control, alertmanager: control.alertmanager }, tokenExpiresAt };
  const draw = (): string => host.random.bytes(32).toString('base64url');
  const secrets: KeptSecrets = {
    token: draw(), admin: draw(), webhook: draw(),
    // Those of a stack from before the control plane stay as they are.
    ...kept,
    control: { viewer: draw(), operator: draw(), admin: draw(), ack: draw(), heartbeat: draw(), ...control, alertmanager: control?.alertmanager ?? draw() },
    tokenExpiresAt: tokenExpiresAt ?? new Date(host.clock.nowMs() + tokenLifeMs).toISOString(),
  };
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
