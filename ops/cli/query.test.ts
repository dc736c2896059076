import { createServer } from 'node:http';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { stripVTControlCharacters } from 'node:util';
import * as fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestHost } from '../core/test-host.ts';
import type { TestHost } from '../core/test-host.ts';
import type { Context } from './command.ts';
import { query } from './query.ts';
import { fit, renderChart } from './query-chart.ts';

let server: Server;
let url = '';
let asked: string[] = [];
let answer: object = {};
let names: string[] = [];
let status = 200;

beforeAll(async () => {
  server = createServer((request, response) => {
    asked.push(`${request.headers.authorization} ${request.url}`);
    const isNames = request.url === '/api/v1/label/__name__/values';
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(isNames ? { status: 'success', data: names } : answer));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());
beforeEach(() => {
  asked = [];
  status = 200;
});

function create(terminal = false): { host: TestHost; context: Context } {
  const host = createTestHost(1_000_000);
  const withControl = { ...host, stdout: { ...host.stdout, isTty: terminal, columns: 40 }, process: { ...host.process, env: { SORA_CONTROL_URL: url, SORA_CONTROL_TOKEN: 'token' } } };
  return { host, context: { host: withControl, root: '/', home: '/', topology: '/' } };
}

const matrix = { status: 'success', data: { resultType: 'matrix', result: [
  { metric: { __name__: 'up', job: 'api', zone: 'a' }, values: [[940, '1'], [970, '4'], [1000, '1500']] },
  { metric: { __name__: 'up', job: 'web', zone: 'a' }, values: [[1000, 'NaN']] },
] } };

test('an instant query shows a table, and a scalar its value', async () => {
  const { host, context } = create();
  answer = { status: 'success', warnings: ['mind this'], data: { resultType: 'vector', result: [{ metric: { __name__: 'up', b: 'x"', a: '1' }, value: [1, '1'] }, { metric: {}, value: [1, '+Inf'] }] } };
  expect(await query.run(context, ['up > 0', '--at', '1970-01-01T00:10:00Z'])).toBe(0);
  expect(host.written.stdout).toBe('SERIES              VALUE\nup{a="1", b="x\\""}  1\n{}                  +Inf\n');
  expect(host.written.stderr).toBe('mind this\n');
  expect(asked).toEqual(['Bearer token /api/v1/query?query=up+%3E+0&time=600']);
  answer = { status: 'success', data: { resultType: 'scalar', result: [1, '42'] } };
  await query.run(context, ['scalar(up)']);
  expect(host.written.stdout).toMatch(/\n42\n$/);
});

test('a range shows figures of each series where nobody looks on, and a chart on a terminal', async () => {
  const piped = create();
  answer = matrix;
  await query.run(piped.context, ['up', '--range', '1m', '--step', '30s']);
  expect(asked).toEqual(['Bearer token /api/v1/query_range?query=up&start=940&end=1000&step=30']);
  expect(piped.host.written.stdout.split('\n')).toEqual([
    'SERIES                   POINTS  MIN  MEAN   MAX   LAST', 'up{job="api", zone="a"}  3       1    501.7  1.5k  1.5k', 'up{job="web", zone="a"}  1       NaN  NaN    NaN   NaN', '',
  ]);
  const shown = create(true);
  await query.run(shown.context, ['up', '--range', '1m', '--step', '30s']);
  const lines = shown.host.written.stdout.split('\n');
  expect(lines[0]).toMatch(/1\.5k [┤┼]/);
  expect(lines.at(-4)).toMatch(/^ {10}00:15:40 +00:16:40$/);
  expect(lines.at(-3)).toContain('{job="api"}');
  expect(lines.at(-2)).toContain('and 1 more series');
  expect(Math.max(...lines.map((line) => stripVTControlCharacters(line).length))).toBeLessThanOrEqual(40);
});

test('where no series answers, a metric that is not there is named with the nearest', async () => {
  answer = { status: 'success', data: { resultType: 'vector', result: [] } };
  names = ['http_server_replies_total', 'up'];
  const asking = async (text: string): Promise<string> => {
    const { host, context } = create();
    expect(await query.run(context, [text])).toBe(0);
    return host.written.stderr;
  };
  expect(await asking('rate(http_server_reply_total[1m]) > 1')).toBe('no series answers: there is no metric http_server_reply_total, did you mean http_server_replies_total?\n');
  expect(await asking('up{job="nothing"}')).toBe('no series answers: the metrics are known, but no series of theirs matches then\n');
  expect(await asking('nosuch')).toBe('no series answers: there is no metric nosuch\n');
  expect(await asking('vector(1) > 2')).toBe('no series answers\n');
});

test('-o json is the data itself', async () => {
  const { host, context } = create();
  answer = matrix;
  await query.run(context, ['up', '--range', '1m', '-o', 'json']);
  expect(JSON.parse(host.written.stdout)).toEqual(matrix.data);
});

describe('what is wrong', () => {
  test.each([
    [[], 'sora query needs an expression', "sora query 'up'"],
    [['up', '--step', '5s'], '--step is about a range', '--range 1h'],
    [['up', '-o', 'chart'], 'a chart needs a range', '--range 1h'],
    [['up', '--range', '1m', '--step', '2m'], '--step 2m is not above 0', ''],
    [['up', '--at', 'noon'], '--at "noon" is not a time', 'RFC 3339'],
    [['up', '-o', 'yaml'], 'output "yaml" is unknown', '-o chart'],
  ])('sora query %j', async (args, message, hint) => {
    await expect(query.run(create().context, args)).rejects.toMatchObject({ exitCode: 104, message: expect.stringContaining(message) as string, ...(hint === '' ? {} : { hint: expect.stringContaining(hint) as string }) });
  });

  test('an expression that the control plane refuses', async () => {
    status = 400;
    answer = { status: 'error', errorType: 'bad_data', error: 'invalid parameter "query": 2:4: parse error: no' };
    await expect(query.run(create().context, ['sum(\n up(\n)'])).rejects.toMatchObject({ exitCode: 104, message: 'the expression is wrong at line 2, column 4: no\n   up(\n     ^' });
    answer = { status: 'error', errorType: 'execution', error: 'too many samples' };
    await expect(query.run(create().context, ['up'])).rejects.toMatchObject({ message: 'too many samples' });
  });
});

test('a chart fits its width and has nothing to draw without numbers', () => {
  expect(fit([1, 2], 4)).toEqual([1, 1, 2, 2]);
  expect(fit([1, 3, Number.NaN, 5], 2)).toEqual([2, 5]);
  const options = { columns: 40, rows: 3, isColoured: false, fromMs: 0, toMs: 1_000 };
  expect(renderChart([{ name: 'x', values: [Number.NaN, Number.POSITIVE_INFINITY] }], options)).toBe('');
  expect(renderChart([{ name: 'flat', values: [0.39] }], options).split('\n').slice(0, 1)).toEqual([`      0.39 ┼${'─'.repeat(26)}`]);
});

test('a chart is blank where there is no number, each line by itself', () => {
  const none = Number.NaN;
  const options = { columns: 23, rows: 2, isColoured: false, fromMs: 0, toMs: 9_000 };
  const ended = [none, none, 2, 2, 2, 1, 1, none, none, none];
  const broken = [none, 0, none, none, none, none, none, none, 0, 0];
  expect(renderChart([{ name: 'ended', values: ended }, { name: 'broken', values: broken }], options).split('\n')).toEqual([
    '         2 ┤ ╶──╮',
    '         1 ┤    ╰─',
    '         0 ┤•      ╶─',
    '          00:00:00 00:00:09', '  ── ended', '  ── broken', '  blank: no number then', '',
  ]);
  expect(renderChart([{ name: 'whole', values: [1, 2] }], options)).not.toContain('blank');
});

test('a line of a chart stands where its numbers are, whatever lies around it', () => {
  const value = fc.oneof(fc.constant(Number.NaN), fc.integer({ min: -1_000, max: 1_000 }));
  fc.assert(fc.property(fc.array(fc.array(value, { minLength: 20, maxLength: 20 }), { minLength: 1, maxLength: 3 }), (lines) => {
    const text = renderChart(lines.map((values, index) => ({ name: `${index}`, values })), { columns: 33, rows: 6, isColoured: false, fromMs: 0, toMs: 1_000 });
    if (text === '') return;
    const rows = text.slice(0, text.indexOf('00:00:00')).split('\n').slice(0, -1);
    for (let column = 1; column < 20; column++) {
      const isDrawn = rows.some((row) => (row[11 + column] ?? ' ') !== ' ');
      expect(isDrawn).toBe(lines.some((values) => values.some(Number.isFinite) && Number.isFinite(values[column])));
    }
  }), { numRuns: 50 });
});
