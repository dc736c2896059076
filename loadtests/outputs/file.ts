import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { invalidConfig, messageOf } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';

/** A file that only grows, from empty. */
export interface OutputFile {
  append(bytes: Buffer): Promise<void>;
  close(): Promise<void>;
}

/** What opening would replace: a sentence where the file is there and holds something, else undefined. */
export function replacedText(host: Host, path: string): string | undefined {
  const absolute = resolve(host.process.cwd(), path);
  if (host.files.ownership(absolute)?.kind !== 'file' || host.files.sizeBytes(absolute) === 0) return undefined;
  return `${path} was there, and is replaced by this run's`;
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
