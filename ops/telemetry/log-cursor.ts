import { open, readdir, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';

/** One line of a log file; `time` as written, which sorts as text. */
export interface LogLine {
  readonly time: string;
  readonly text: string;
}

const chunkBytes = 65_536;
/** A longer line is given out in pieces; the logger itself writes none beyond 32 kB. */
const lineMaxChars = 1_048_576;

/** Names of the services that have logs in a folder. */
export async function listServices(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const services = names.flatMap((name) => logName.exec(name)?.[1] ?? []);
  return [...new Set(services)].toSorted();
}

const logName = /^([a-z][a-z0-9-]*)(?:\.(\d{8}T\d{9}Z))?\.log$/;
/** Sorts after every stamp: the file that is being written. */
const current = '~';

/**
 * Reads the lines of one service over its closed files and the one being written, in order, from
 * where it stopped. It holds on to the open file, so a rotation or removal in between loses nothing.
 */
export class LogCursor {
  readonly service: string;
  readonly #folder: string;
  readonly #buffer = Buffer.alloc(chunkBytes);
  #file: { handle: FileHandle; decoder: StringDecoder; inode: number } | undefined;
  /** Stamp of the newest file finished. */
  #finished: string;
  #partial = '';
  #lastTime = '';
  #lines: LogLine[] = [];
  #next = 0;

  /** @param after stamp; files closed before it are not opened */
  constructor(folder: string, service: string, after = '') {
    this.#folder = folder;
    this.service = service;
    this.#finished = after;
  }

  /** The next line without taking it; undefined where there is none at present. */
  async peek(): Promise<LogLine | undefined> {
    while (this.#next >= this.#lines.length) {
      if (!(await this.#fill())) return undefined;
    }
    return this.#lines[this.#next];
  }

  take(): void {
    this.#next++;
  }

  async close(): Promise<void> {
    await this.#file?.handle.close();
    this.#file = undefined;
  }

  /** Reads one chunk, moving on to the next file at the end of a closed one; false when all is read. */
  async #fill(): Promise<boolean> {
    this.#file ??= await this.#openNext();
    if (this.#file === undefined) return false;
    const { handle, decoder, inode } = this.#file;
    // Looked up before reading: once a later file exists, the writer has left this one, and an empty
    // read means its end.
    const stamp = await this.#stampOf(inode);
    const hasLater = stamp !== current && (await this.#files()).some((file) => file.stamp > (stamp ?? ''));
    const { bytesRead } = await handle.read(this.#buffer, 0, chunkBytes, null);
    if (bytesRead > 0) {
      this.#split(decoder.write(this.#buffer.subarray(0, bytesRead)));
      return true;
    }
    if (!hasLater) return false;
    await this.close();
    this.#finished = stamp ?? this.#finished;
    if (this.#partial !== '') this.#split('\n');
    return true;
  }

  #split(text: string): void {
    const pieces = (this.#partial + text).split('\n');
    this.#partial = pieces.pop() ?? '';
    if (this.#partial.length > lineMaxChars) {
      pieces.push(this.#partial);
      this.#partial = '';
    }
    this.#next = 0;
    this.#lines = pieces.filter((piece) => piece !== '').map((piece) => this.#lineOf(piece));
  }

  /** A line without a time keeps the place it has in its file. */
  #lineOf(text: string): LogLine {
    const at = text.indexOf('"time":"');
    if (at >= 0) this.#lastTime = text.slice(at + 8, at + 32);
    return { time: this.#lastTime, text };
  }

  async #openNext(): Promise<{ handle: FileHandle; decoder: StringDecoder; inode: number } | undefined> {
    for (const { path } of await this.#files()) {
      // Gone between listing and opening: retention, or the rotation that the next call will see.
      const handle = await open(path).catch(() => undefined);
      if (handle === undefined) continue;
      return { handle, decoder: new StringDecoder('utf8'), inode: (await handle.stat()).ino };
    }
    return undefined;
  }

  /** The stamp under which an inode is closed, `current` while it is written, undefined when removed. */
  async #stampOf(inode: number): Promise<string | undefined> {
    const isCurrent = (await stat(join(this.#folder, `${this.service}.log`)).catch(() => undefined))?.ino === inode;
    if (isCurrent) return current;
    for (const { path, stamp } of await this.#files()) {
      if ((await stat(path).catch(() => undefined))?.ino === inode) return stamp;
    }
    return undefined;
  }

  /** Files not finished yet, oldest first. */
  async #files(): Promise<{ path: string; stamp: string }[]> {
    const names = await readdir(this.#folder).catch(() => []);
    return names
      .flatMap((name) => {
        const match = logName.exec(name);
        return match?.[1] === this.service ? [{ path: join(this.#folder, name), stamp: match[2] ?? current }] : [];
      })
      .filter(({ stamp }) => stamp > this.#finished)
      .toSorted((a, b) => (a.stamp < b.stamp ? -1 : 1));
  }
}
