import { SoraError } from '../../ops/core/error.ts';

/** Where the harness itself is: frames of it say nothing to the author of a scenario. */
const ownFolder = new URL('.', import.meta.url).pathname;
/** What scenarios are given to write with: a mistake lies in what calls it. */
const givenFolders = ['../../ops/', '../../services/', '../import/'].map((folder) => new URL(folder, import.meta.url).pathname);

/** The frames of an error that are not the harness's or Node's; an error of ours has said all with its message. */
export function authorFrames(error: unknown): string {
  return error instanceof Error && !(error instanceof SoraError) ? framesOf(error.stack ?? '').join('\n') : '';
}

/**
 * `checkout.ts:12:31`: the file, line and column of the author's code that a stack passes through first; '' where it passes
 * through none. What a scenario was given to write with, by us or by a package, is not its author's.
 */
export function authorPlace(stack: string): string {
  for (const frame of framesOf(stack)) {
    const place = /([^/\\()\s]+:\d+:\d+)\)?$/.exec(frame)?.[1];
    if (place !== undefined && !frame.includes('/node_modules/') && !givenFolders.some((folder) => frame.includes(folder))) return place;
  }
  return '';
}

function framesOf(stack: string): string[] {
  const frames = stack.split('\n').filter((line) => /^\s+at /.test(line));
  return frames.map((line) => line.trim()).filter((line) => !isInternal(line));
}

/** Fixtures of ours stand for an author's files. */
function isInternal(frame: string): boolean {
  if (/\bnode:|<anonymous>\)?$/.test(frame)) return true;
  const at = frame.indexOf(ownFolder);
  return at >= 0 && !frame.startsWith('fixtures/', at + ownFolder.length);
}
