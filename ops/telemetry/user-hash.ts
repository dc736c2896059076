import { createHmac, createSecretKey } from 'node:crypto';
import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Host } from '../core/host.ts';

/** Hashes kept; beyond it the memory starts afresh, as a hash costs 2 µs and not a round trip. */
const rememberedMax = 20_000;

/**
 * Makes the function that stands a user's id in for logs: 12 characters of a keyed hash, the same
 * in every process that has the same key and useless to whoever has only the logs. The key is
 * `SORA_LOG_HASH_KEY`, else the file `.user-hash-key` in the log folder, made on first use, else
 * random for this process.
 */
export function createUserHash(host: Host, logDir: string | undefined): (userId: number) => string {
  const key = createSecretKey(keyOf(host, logDir));
  const remembered = new Map<number, string>();
  return (userId) => {
    const known = remembered.get(userId);
    if (known !== undefined) return known;
    const hash = createHmac('sha256', key).update(String(userId)).digest('base64url').slice(0, 12);
    if (remembered.size >= rememberedMax) remembered.clear();
    remembered.set(userId, hash);
    return hash;
  };
}

function keyOf(host: Host, logDir: string | undefined): Buffer {
  const configured = host.process.env['SORA_LOG_HASH_KEY'];
  if (configured !== undefined && configured !== '') return Buffer.from(configured);
  if (logDir === undefined) return host.random.bytes(32);
  const path = join(logDir, '.user-hash-key');
  if (!existsSync(path)) makeKeyFile(host, logDir, path);
  return readFileSync(path);
}

/** Written beside and linked into place: of several processes that start at once, one key wins, whole. */
function makeKeyFile(host: Host, logDir: string, path: string): void {
  mkdirSync(logDir, { recursive: true });
  const beside = `${path}.${host.process.pid}`;
  writeFileSync(beside, host.random.bytes(32), { mode: 0o600 });
  try {
    linkSync(beside, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(beside, { force: true });
  }
}
