import { join } from 'node:path';
import { parseDurationMs } from '../core/duration.ts';
import { exitCodes, invalidConfig } from '../core/error.ts';
import { queryLogs } from '../telemetry/query.ts';
import type { LogQuery } from '../telemetry/query.ts';
import type { Command } from './command.ts';
import { parseFlags } from './command.ts';
import { onInterrupt } from './interrupt.ts';
import { loadStackDir } from './load-server.ts';
import { stackDir } from './up.ts';

/** Why a look-up may find nothing, and where to look next. */
export function explainNothing(query: Pick<LogQuery, 'correlation' | 'level' | 'sinceMs' | 'service'>, stack: 'up' | 'load'): string {
  const { correlation, level, sinceMs, service } = query;
  const narrowing = [level === undefined ? '' : '--level', sinceMs === undefined ? '' : '--since', service === undefined ? '' : '--service'].filter((flag) => flag !== '');
  const wider = narrowing.length === 0 ? '' : `  leave out ${narrowing.join(' and ')} to search more\n`;
  if (correlation === undefined) return `no line matches\n${wider}`;
  return `no line has the correlation id "${correlation}"\n`
    + '  the logs hold requests that failed, were refused (of one operation and reason the first 10, then one a second) or took more than a second; SORA_LOG_LEVEL=debug at the start of the stack logs all\n'
    + `${wider}  this searched ${stack === 'up' ? 'the stack of sora up; the last load run has its own logs: --stack load' : 'the last load run; the stack of sora up has its own logs: --stack up'}\n`;
}

export const logs: Command = {
  name: 'logs',
  summary: 'Searches and follows the logs of all services',
  usage: 'sora logs [flags]',
  flags: {
    correlation: { type: 'string', value: 'ID', help: 'only lines of this correlation id' },
    service: { type: 'string', value: 'NAME', help: 'only this service; api covers api-1, api-2, …' },
    level: { type: 'string', value: 'LEVEL', help: 'this level and above: debug, info, warn, error, fatal' },
    since: { type: 'string', value: 'DURATION', help: 'only lines of the last 5m, 2h, …' },
    follow: { type: 'boolean', short: 'f', help: 'goes on with what is written from now on' },
    stack: { type: 'string', value: 'up|load', help: 'whose logs: of `sora up` or of the last load run; default up' },
    output: { type: 'string', short: 'o', value: 'text|json', help: 'form of the lines; default text' },
  },
  examples: ['sora logs --since 5m --level warn', 'sora logs -f --service api', 'sora logs --correlation 4bf92f35 -o json'],
  async run(context, args) {
    const parsed = parseFlags(logs, args);
    const format = parsed.text('output') ?? 'text';
    if (format !== 'text' && format !== 'json') throw invalidConfig(`output "${format}" is unknown`, 'use -o text or -o json');
    const stack = parsed.text('stack') ?? 'up';
    if (stack !== 'up' && stack !== 'load') throw invalidConfig(`stack "${stack}" is unknown`, 'use --stack up or --stack load');
    const stop = new AbortController();
    const stopListening = onInterrupt(context.host, () => stop.abort());
    const since = parsed.text('since');
    const optional = { correlation: parsed.text('correlation'), service: parsed.text('service'), level: parsed.text('level') };
    const query: LogQuery = {
      logDir: join(stack === 'up' ? stackDir(context) : loadStackDir(context), 'logs'),
      follow: parsed.has('follow'),
      signal: stop.signal,
      format,
      ...(stack === 'up' ? { elsewhere: { postgres: join(context.home, 'pg/main/log'), 'control-postgres': join(context.home, 'pg/control/log') } } : {}),
      ...Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)),
      ...(since === undefined ? {} : { sinceMs: parseDurationMs(since, '--since') }),
    };
    try {
      const lines = await queryLogs(context.host, query);
      if (lines === 0 && !query.follow) context.host.stderr.write(explainNothing(query, stack));
    } finally {
      stopListening();
    }
    return exitCodes.pass;
  },
};
