import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { invalidConfig, messageOf } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';

/** A file that only grows, from empty. */
export interface OutputFile {
  append(bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens a file anew; what it held is gone.
 * @param path absolute, or relative to the working folder
 * @throws SoraError `invalid_config` when it cannot be written
 */
export async function openOutputFile(host: Host, path: string): Promise<OutputFile> {
  const absolute = resolve(host.process.cwd(), path);
  const handle = await open(absolute, 'w').catch((error: unknown) => {
    throw invalidConfig(`output file ${absolute} cannot be written: ${messageOf(error)}`, 'name a file in a folder that exists and may be written', error);
  });
  return {
    append: (bytes) => handle.appendFile(bytes),
    close: () => handle.close(),
  };
}
