import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createNodeHost } from '../core/node-host.ts';
import { createTestHost } from '../core/test-host.ts';
import { closedFiles } from './destination.ts';
import { queryLogs } from './query.ts';
import { createTelemetry } from './telemetry.ts';

const run = promisify(execFile);
const host = createNodeHost();
let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'sora-log-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const linesOf = (name: string): Record<string, unknown>[] =>
  readFileSync(join(folder, name), 'utf8').trim().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);

/** Waits until so many files of the service are closed. */
const rotations = async (service: string, count: number): Promise<void> => {
  await expect.poll(() => closedFiles(folder, service).length).toBeGreaterThanOrEqual(count);
};

describe('createTelemetry', () => {
  it('writes the fields that Cloud Logging reads, with the time of the host', async () => {
    const test = createTestHost();
    const telemetry = createTelemetry(test, { service: 'api-1', logDir: folder });
    await test.advance(7);
    telemetry.log.child({ correlationId: 'c-1' }).warn({ userHash: telemetry.hashUser(7), status: 429 }, 'limited');
    await telemetry.shutdown();
    expect(linesOf('api-1.log')).toEqual([{
      severity: 'WARNING', time: '2026-01-01T00:00:00.007Z', service: 'api-1',
      'logging.googleapis.com/labels': { service: 'api-1', pid: String(test.process.pid) },
      correlationId: 'c-1', userHash: telemetry.hashUser(7), status: 429, message: 'limited',
    }]);
  });

  it('redacts what reaches it in any way', async () => {
    const telemetry = createTelemetry(host, { service: 'api', logDir: folder });
    telemetry.log.child({ token: 'abc123' }).info({ headers: { cookie: 'sid=1' }, list: ['bob@example.com'] }, 'to %s', 'eve@example.com');
    telemetry.log.error(new Error('declined 4111 1111 1111 1111', { cause: new Error('password=hunter2') }));
    await telemetry.shutdown();
    const text = readFileSync(join(folder, 'api.log'), 'utf8');
    expect(text).not.toMatch(/abc123|sid=1|bob@|eve@|4111|hunter2/);
    expect(linesOf('api.log')[1]).toMatchObject({ severity: 'ERROR', err: { message: expect.stringContaining('[card]') as string } });
  });

  it('hashes a user the same in every process of a log folder, and never shows the id', async () => {
    const first = createTelemetry(host, { service: 'a', logDir: folder });
    const second = createTelemetry(host, { service: 'b', logDir: folder });
    expect(first.hashUser(123_456)).toBe(second.hashUser(123_456));
    expect(first.hashUser(123_456)).not.toBe(first.hashUser(123_457));
    expect(first.hashUser(123_456)).not.toContain('123456');
    expect(statSync(join(folder, '.user-hash-key')).mode & 0o077).toBe(0);
    await Promise.all([first.shutdown(), second.shutdown()]);
  });

  it('says at start that a log folder cannot be written', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => createTelemetry(host, { service: 'api', logDir: join(folder, 'file') })).toThrow(/log file .*file\/api\.log cannot be written/);
  });

  it('refuses a malformed service name and an unknown level', () => {
    expect(() => createTelemetry(host, { service: '../x' })).toThrow(/service name "\.\.\/x" is malformed/);
    expect(() => createTelemetry(host, { service: 'api', level: 'loud' })).toThrow(/log level "loud" is unknown/);
  });

  it('writes in chunks, not a system call a line, and an error soon', async () => {
    const test = createTestHost();
    const telemetry = createTelemetry(test, { service: 'api', logDir: folder });
    await expect.poll(() => existsSync(join(folder, 'api.log'))).toBe(true);
    for (let index = 0; index < 20; index++) telemetry.log.info({ index }, 'small');
    await new Promise((resolve) => setImmediate(resolve));
    expect(statSync(join(folder, 'api.log')).size).toBe(0);
    telemetry.log.error('broken');
    await test.advance(1);
    await expect.poll(() => statSync(join(folder, 'api.log')).size).toBeGreaterThan(0);
    expect(linesOf('api.log')).toHaveLength(21);
    await telemetry.shutdown();
  });

  it('has written everything when the process exits, without a shutdown', async () => {
    const script = join(folder, 'exit.ts');
    const root = join(import.meta.dirname, '..');
    writeFileSync(script, `
      import { createNodeHost } from '${root}/core/node-host.ts';
      import { createTelemetry } from '${root}/telemetry/telemetry.ts';
      const host = createNodeHost();
      const { log } = createTelemetry(host, { service: 'brief', logDir: '${folder}' });
      setTimeout(() => { for (let n = 0; n < 3000; n++) log.info({ n }, 'last words'); host.process.exit(3); }, 20);`);
    await expect(run(process.execPath, [script])).rejects.toMatchObject({ code: 3 });
    expect(linesOf('brief.log')).toHaveLength(3_000);
  });
});

describe('rotation and queries', () => {
  it('closes files by size, keeps the newest, and reads all back in order', async () => {
    const telemetry = createTelemetry(host, { service: 'api-1', logDir: folder, rotation: { sizeMaxBytes: 50_000, filesMax: 100 } });
    for (let n = 0; n < 3_000; n++) {
      telemetry.log.info({ n, correlationId: n % 100 === 0 ? 'wanted' : 'other' }, 'line');
      if (n % 600 === 599) await rotations('api-1', (n + 1) / 600);
    }
    await telemetry.shutdown();
    const output = sink();
    expect(await queryLogs(host, { logDir: folder, format: 'json', output })).toBe(3_000);
    expect(output.lines().map((line) => line['n'])).toEqual(Array.from({ length: 3_000 }, (_, n) => n));
    expect(await queryLogs(host, { logDir: folder, correlation: 'wanted', service: 'api', output: sink() })).toBe(30);
    expect(await queryLogs(host, { logDir: folder, level: 'warn', output: sink() })).toBe(0);
    expect(await queryLogs(host, { logDir: folder, sinceMs: 3_600_000, output: sink() })).toBe(3_000);
  });

  it('removes closed files beyond the number kept', async () => {
    const telemetry = createTelemetry(host, { service: 'api', logDir: folder, rotation: { sizeMaxBytes: 20_000, filesMax: 2 } });
    for (let file = 0; file < 5; file++) {
      const before = closedFiles(folder, 'api').at(-1);
      for (let n = 0; n < 300; n++) telemetry.log.info({ n }, 'line');
      await expect.poll(() => closedFiles(folder, 'api').at(-1)).not.toBe(before);
    }
    telemetry.log.info('last');
    await telemetry.shutdown();
    expect(closedFiles(folder, 'api')).toHaveLength(2);
    expect(readdirSync(folder)).toContain('api.log');
  });

  it('closes a file by age, and removes closed files that are too old', async () => {
    const test = createTestHost();
    writeFileSync(join(folder, 'api.20250101T000000000Z.log'), '{}\n');
    const telemetry = createTelemetry(test, { service: 'api', logDir: folder, rotation: { ageMaxMs: 60_000, keepMs: 3_600_000 } });
    const written = (text: string) => (): boolean => existsSync(join(folder, 'api.log')) && readFileSync(join(folder, 'api.log'), 'utf8').includes(text);
    telemetry.log.error('first');
    await expect.poll(async () => (await test.advance(1), written('first')())).toBe(true);
    await test.advance(60_000);
    telemetry.log.error('second');
    await test.advance(1);
    await expect.poll(() => closedFiles(folder, 'api')).toEqual([expect.stringMatching(/^api\.20260101T0001/)]);
    await telemetry.shutdown();
  });

  it('names the services that have logs, and where others keep theirs', async () => {
    await expect(queryLogs(host, { logDir: folder })).rejects.toMatchObject({ message: `no logs in ${folder}`, hint: 'start the platform with `npm start`' });
    await createTelemetry(host, { service: 'api-1', logDir: folder }).shutdown();
    await expect(queryLogs(host, { logDir: folder, service: 'apii' })).rejects.toMatchObject({ message: `no logs of service "apii" in ${folder}`, hint: 'there are those of api-1' });
    host.files.writeText(join(folder, 'postgres.out'), '');
    await expect(queryLogs(host, { logDir: folder, service: 'postgres', elsewhere: { postgres: folder } })).rejects.toMatchObject({ hint: `what it says itself is in ${folder} and ${join(folder, 'postgres.out')}` });
  });

  it('merges services by time, filters by level, and shows text without control characters', async () => {
    const test = createTestHost();
    const [a, b] = [createTelemetry(test, { service: 'a', logDir: folder }), createTelemetry(test, { service: 'b', logDir: folder })];
    for (let n = 0; n < 6; n++) {
      await test.advance(1_000);
      (n % 2 === 0 ? a : b).log[n < 3 ? 'info' : 'error']({ n }, n === 0 ? '\u001b[31mred' : 'line');
    }
    await Promise.all([a.shutdown(), b.shutdown()]);
    const all = sink();
    await queryLogs(test, { logDir: folder, format: 'json', output: all });
    expect(all.lines().map((line) => line['n'])).toEqual([0, 1, 2, 3, 4, 5]);
    const text = sink();
    expect(await queryLogs(test, { logDir: folder, level: 'error', sinceMs: 2_500, output: text })).toBe(3);
    expect(text.text()).toMatch(/^00:00:04\.000 ERROR {4}b line n=3\n/);
    const first = sink();
    await queryLogs(test, { logDir: folder, service: 'a', output: first });
    expect(first.text()).toContain('\\u001b[31mred');
  });

  it('follows over rotations and new services without losing or repeating a line', async () => {
    const telemetry = createTelemetry(host, { service: 'api', logDir: folder, rotation: { sizeMaxBytes: 30_000, filesMax: 100 } });
    const stop = new AbortController();
    const output = sink();
    const done = queryLogs(host, { logDir: folder, follow: true, signal: stop.signal, format: 'json', output });
    for (let n = 0; n < 2_000; n++) {
      telemetry.log.info({ n }, 'line');
      if (n % 500 === 499) await rotations('api', (n + 1) / 500);
    }
    const late = createTelemetry(host, { service: 'late', logDir: folder });
    late.log.error({ n: -1 }, 'late');
    await Promise.all([telemetry.shutdown(), late.shutdown()]);
    await expect.poll(() => output.lines().length, { timeout: 5_000 }).toBe(2_001);
    stop.abort();
    expect(await done).toBe(2_001);
    const numbers = output.lines().filter((line) => line['service'] === 'api').map((line) => line['n']);
    expect(numbers).toEqual(Array.from({ length: 2_000 }, (_, n) => n));
  });

  it('says where it looked when there is nothing', async () => {
    await expect(queryLogs(host, { logDir: join(folder, 'none') })).rejects.toThrow(/no logs in .*none/);
    await expect(queryLogs(host, { logDir: folder, level: 'loud' })).rejects.toThrow(/"loud" is unknown/);
  });
});

function sink(): { write(text: string): void; text(): string; lines(): Record<string, unknown>[] } {
  let text = '';
  return {
    write: (more) => void (text += more),
    text: () => text,
    lines: () => text.split('\n').filter(Boolean).map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}
