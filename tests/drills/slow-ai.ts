import { request } from 'node:http';
import { atLeast, equals, note } from './check.ts';
import type { Check } from './check.ts';
import { thinkMsOf } from './drill.ts';
import type { Drill } from './drill.ts';
import { requireSummary, startLoadRun } from './load-run.ts';

const latencyMs = 2_000;
const limitMs = 1_000;
const thresholds = ['service_time{op:ai}', 'response_time{op:ai}'].map((metric) => `${metric}: p(95)<${limitMs}`);
/** Share of the mix's steps that ask a companion. */
const aiRatio = 0.05;

/** The provider of language models answers in 2 s from the start of the hold on. */
export const slowAi: Drill = {
  name: 'slow-ai',
  summary: 'mock AI at 2 s: op:ai fails its threshold by service and by response time, exit 99',
  async run(context) {
    // Every slow call holds a connection; with too few, all operations would queue behind them.
    const slow = Math.ceil((1_000 / thinkMsOf(context.size)) * context.size.users * aiRatio * (latencyMs / 1_000));
    const flags = [...thresholds.flatMap((text) => ['--threshold', text]), '--sockets', String(64 + 2 * slow)];
    const run = startLoadRun(context, { flags });
    await run.reached('hold');
    const url = run.stack()?.urls['mock-ai'];
    if (url === undefined) throw new Error('the stack has no mock-ai');
    await post(`${url}/control`, { latencyMs });
    context.say(`the mock AI now takes ${latencyMs} ms`);
    const ended = await run.ended;
    const summary = requireSummary(ended);
    const others = Object.entries(summary.byOperation).filter(([op]) => op !== 'ai');
    return [
      equals('exit code', ended.exitCode, 99),
      equals('verdict', summary.verdict, 'fail'),
      ...['service_time', 'response_time'].flatMap((metric): Check[] => {
        const found = summary.thresholds.find((row) => row.metric === metric && row.expression.includes('op:ai'));
        return [atLeast(`${metric} of op:ai, p95`, found?.measured ?? 0, limitMs, 'ms'), equals(`${metric} of op:ai, threshold kept`, found?.ok, false)];
      }),
      note('p95 of the other operations', others.map(([op, { latencyMs: times }]) => `${op} ${times.response.p95?.toFixed(0)} ms`).join(', ')),
      note('verdict', summary.reasons.join('; ')),
    ];
  },
};

function post(url: string, value: object): Promise<void> {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(value);
    const sent = request(url, { method: 'POST', headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) } }, (reply) => {
      reply.resume().once('end', () => (reply.statusCode === 200 ? resolve() : reject(new Error(`POST ${url} answered ${reply.statusCode}`))));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
