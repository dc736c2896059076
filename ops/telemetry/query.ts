import { join } from 'node:path';
import type { Host, Output } from '../core/host.ts';
import { invalidConfig } from '../core/error.ts';
import { stamp } from './destination.ts';
import { listServices, LogCursor } from './log-cursor.ts';

export interface LogQuery {
  /** Folder that the services write to. */
  readonly logDir: string;
  /** Only lines of this correlation id. */
  readonly correlation?: string;
  /** Only lines of this service; `api` covers `api-1`, `api-2` and so on. */
  readonly service?: string;
  /** Only lines of this level and above: debug, info, warn, error, fatal. */
  readonly level?: string;
  /** Only lines of the last so many milliseconds. */
  readonly sinceMs?: number;
  /** Goes on with what is written from now on, until `signal` is aborted. Default false. */
  readonly follow?: boolean;
  readonly signal?: AbortSignal;
  /** Where programs that are not ours keep logs of their own, by service; named to whoever asks for them here. */
  readonly elsewhere?: Readonly<Record<string, string>>;
  /** `json` gives the lines as they are. Default `text`. */
  readonly format?: 'text' | 'json';
  /** Default the process's stdout. */
  readonly output?: Pick<Output, 'write'>;
}

const levels = ['DEBUG', 'INFO', 'WARNING', 'ERROR', 'CRITICAL'];
const levelNames: Readonly<Record<string, number>> = {
  trace: 0, debug: 0, info: 1, warn: 2, warning: 2, error: 3, fatal: 4, critical: 4,
};
const pollPeriodMs = 250;

/**
 * Writes the matching log lines of all services in the order of their times, and answers how many.
 * It holds one chunk of 64 kB a service, however large the logs are.
 * @throws SoraError `invalid_config` for an unknown level or a folder without logs
 */
export async function queryLogs(host: Host, query: LogQuery): Promise<number> {
  const matches = matcher(host, query);
  const output = query.output ?? host.stdout;
  const afterStamp = query.sinceMs === undefined ? '' : stamp(host.clock.nowMs() - query.sinceMs);
  const cursors = new Map<string, LogCursor>();
  const isAborted = (): boolean => query.signal?.aborted === true;
  let written = 0;
  try {
    for (;;) {
      await addServices(cursors, query, afterStamp);
      if (cursors.size === 0 && query.follow !== true) throw await noLogs(host, query);
      for (let line = await takeEarliest(cursors); line !== undefined; line = await takeEarliest(cursors)) {
        if (isAborted()) return written;
        if (!matches(line)) continue;
        output.write(`${query.format === 'json' ? line : formatLine(line)}\n`);
        written++;
      }
      if (query.follow !== true || isAborted()) return written;
      await host.timers.sleep(pollPeriodMs, query.signal).catch(() => undefined);
    }
  } finally {
    await Promise.all([...cursors.values()].map((cursor) => cursor.close()));
  }
}

async function noLogs(host: Host, { service, logDir, elsewhere = {} }: LogQuery): Promise<Error> {
  const known = await listServices(logDir);
  if (service === undefined || known.length === 0) return invalidConfig(`no logs in ${logDir}`, 'start the platform with `npm start`');
  const places = [elsewhere[service], join(logDir, `${service}.out`)].flatMap((place) => (place !== undefined && host.files.exists(place) ? [place] : []));
  const hint = places.length > 0 ? `what it says itself is in ${places.join(' and ')}` : `there are those of ${known.join(', ')}`;
  return invalidConfig(`no logs of service "${service}" in ${logDir}`, hint);
}

async function addServices(cursors: Map<string, LogCursor>, query: LogQuery, afterStamp: string): Promise<void> {
  for (const service of await listServices(query.logDir)) {
    const isWanted = query.service === undefined || service === query.service || service.replace(/-\d+$/, '') === query.service;
    if (isWanted && !cursors.has(service)) cursors.set(service, new LogCursor(query.logDir, service, afterStamp));
  }
}

async function takeEarliest(cursors: ReadonlyMap<string, LogCursor>): Promise<string | undefined> {
  let first: { cursor: LogCursor; time: string; text: string } | undefined;
  for (const cursor of cursors.values()) {
    const line = await cursor.peek();
    if (line !== undefined && (first === undefined || line.time < first.time)) first = { cursor, ...line };
  }
  first?.cursor.take();
  return first?.text;
}

function matcher(host: Host, query: LogQuery): (line: string) => boolean {
  const { level, correlation, sinceMs } = query;
  const levelMin = level === undefined ? 0 : levelNames[level.toLowerCase()];
  if (levelMin === undefined) {
    throw invalidConfig(`log level "${level}" is unknown`, 'use one of debug, info, warn, error, fatal');
  }
  const since = sinceMs === undefined ? '' : new Date(host.clock.nowMs() - sinceMs).toISOString();
  const wanted = correlation === undefined ? '' : `"correlationId":${JSON.stringify(correlation)}`;
  return (line) => {
    if (wanted !== '' && !line.includes(wanted)) return false;
    if (since !== '' && (/"time":"([^"]+)"/.exec(line)?.[1] ?? '') < since) return false;
    return levelMin === 0 || levels.indexOf(/^\{"severity":"([A-Z]+)"/.exec(line)?.[1] ?? '') >= levelMin;
  };
}

/** Fields that have a place of their own in a line, or none. */
const placed = new Set(['severity', 'time', 'service', 'message', 'correlationId', 'err', 'logging.googleapis.com/labels']);

/** `12:06:00.123 INFO    api-1 9f2c… message key=value`, then an error's stack. */
function formatLine(line: string): string {
  let entry: Record<string, unknown>;
  try {
    entry = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return line;
  }
  const text = (key: string): string => (typeof entry[key] === 'string' ? entry[key] : '');
  const fields = Object.entries(entry)
    .filter(([key]) => !placed.has(key))
    .map(([key, value]) => `${key}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const head = [text('time').slice(11, 23), text('severity').padEnd(8), text('service'), text('correlationId'), text('message')];
  const stack = (entry['err'] as { stack?: string } | undefined)?.stack;
  const shown = [...head, ...fields].filter((part) => part !== '').join(' ') + (stack === undefined ? '' : `\n${stack}`);
  return shown.replaceAll(control, (character) => JSON.stringify(character).slice(1, -1));
}

/** What could move the cursor or colour a terminal, from text that a client chose; line feed and tab pass. */
// oxlint-disable-next-line no-control-regex
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;
