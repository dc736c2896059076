import { pino } from 'pino';
import type { DestinationStream, Logger } from 'pino';
import { Registry } from 'prom-client';
import { invalidConfig } from '../core/error.ts';
import type { Host } from '../core/host.ts';
import { openRotatingFile, openStderr } from './destination.ts';
import type { Destination, RotationLimits } from './destination.ts';
import { watchProcess } from './metrics.ts';
import { redactLine } from './redact.ts';
import { createTracing } from './tracing.ts';
import type { Tracing } from './tracing.ts';
import { createUserHash } from './user-hash.ts';

export interface Telemetry {
  readonly log: Logger;
  /** The process's metrics, for `/metrics`; default process metrics are declared. */
  readonly metrics: Registry;
  readonly tracer: Tracing;
  /** Stands in for a user's id in log lines (`userHash`); the id itself is never logged. */
  hashUser(userId: number): string;
  /** Writes out logs and spans; later log lines are lost. Call it last. */
  shutdown(): Promise<void>;
}

/** Logs and traces alone, for a process that keeps its metrics itself. */
export interface Logging extends Pick<Telemetry, 'log' | 'tracer' | 'shutdown'> {
  /** Lines lost since start because the write buffer was full, and failed writes. */
  readonly dropped: () => number;
}

export interface TelemetryOptions {
  /** Name of this process, unique in its log folder, such as `api-1`. */
  readonly service: string;
  /** Folder of `<service>.log`; stderr when absent. */
  readonly logDir?: string;
  /** trace, debug, info, warn, error, fatal or silent. Default `SORA_LOG_LEVEL`, else info. */
  readonly level?: string;
  readonly rotation?: RotationLimits;
}

/** Names of Cloud Logging's severities by pino's levels. */
const severities: Readonly<Record<string, string>> = {
  trace: 'DEBUG', debug: 'DEBUG', info: 'INFO', warn: 'WARNING', error: 'ERROR', fatal: 'CRITICAL',
};
const servicePattern = /^[a-z][a-z0-9-]{0,62}$/;

/**
 * Logs, metrics and traces of one process.
 * @throws SoraError `invalid_config` for a malformed service name or an unknown level
 */
export function createTelemetry(host: Host, options: TelemetryOptions): Telemetry {
  const { log, tracer, shutdown, dropped } = createLogging(host, options);
  const metrics = new Registry();
  watchProcess(metrics, dropped);
  return { log, metrics, tracer, hashUser: createUserHash(host, options.logDir), shutdown };
}

/**
 * The part of `createTelemetry` without metrics and user hashes: no timers or observers of the process.
 * @throws SoraError `invalid_config` for a malformed service name or an unknown level
 */
export function createLogging(host: Host, options: TelemetryOptions): Logging {
  const { service } = options;
  const level = options.level ?? host.process.env['SORA_LOG_LEVEL'] ?? 'info';
  if (!servicePattern.test(service)) {
    throw invalidConfig(`service name "${service}" is malformed`, 'use 1 to 63 of a-z, 0-9 and -, beginning with a letter');
  }
  if (level !== 'silent' && severities[level] === undefined) {
    throw invalidConfig(`log level "${level}" is unknown`, `use one of ${Object.keys(severities).join(', ')}, silent`);
  }
  const tracer = createTracing(host, service);
  const destination =
    options.logDir === undefined ? openStderr(host) : openRotatingFile(host, options.logDir, service, options.rotation);
  const log = createLogger(host, { service, level, tracer, destination });
  return {
    log,
    tracer,
    dropped: () => destination.dropped,
    async shutdown() {
      await tracer.shutdown();
      await destination.close();
    },
  };
}

export interface LoggerParts {
  readonly service: string;
  readonly level: string;
  readonly tracer: Tracing;
  readonly destination: Pick<Destination, 'write' | 'flushSoon' | 'flushSync'>;
  /** Off only in the benchmark. */
  readonly redact?: (line: string, from: number) => string;
}

/** The logger itself: JSON lines with the field names that Cloud Logging reads. */
export function createLogger(host: Host, parts: LoggerParts): Logger {
  const { service, tracer, destination, redact = redactLine } = parts;
  const base = { service, 'logging.googleapis.com/labels': { service, pid: String(host.process.pid) } };
  return pino(
    {
      level: parts.level,
      messageKey: 'message',
      base,
      timestamp: timestampOf(host),
      formatters: { level: (label) => ({ severity: severities[label] ?? 'DEFAULT' }) },
      ...(tracer.enabled ? { mixin: () => traceFields(host, tracer) } : {}),
    },
    streamOf(destination, redact, `"time":"2026-01-01T00:00:00.000Z",${JSON.stringify(base).slice(1, -1)}`.length),
  );
}

/** A correlation id that is a UUID, first among the caller's fields as loggers of a request have it. */
const correlation = /,"correlationId":"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"/iy;

/**
 * What pino writes to; it calls `flushSync` after a fatal line.
 * @param stampedChars length of time and base fields, which are the same in every line and clean
 */
function streamOf(
  destination: LoggerParts['destination'], redact: (line: string, from: number) => string, stampedChars: number,
): DestinationStream {
  const stream: DestinationStream & { flushSync(): void } = {
    write(line: string) {
      const severityEnd = line.indexOf('"', 13) + 1;
      correlation.lastIndex = severityEnd + 1 + stampedChars;
      const from = correlation.lastIndex;
      destination.write(redact(line, correlation.test(line) ? correlation.lastIndex : from));
      // Every line begins {"severity":"X: ERROR and CRITICAL are what one reads after a crash.
      const initial = line.charCodeAt(13);
      if (initial === 69 || initial === 67) destination.flushSoon();
    },
    flushSync: () => destination.flushSync(),
  };
  return stream;
}

/** RFC 3339 in milliseconds; the text up to the second is kept, as a busy process logs many a second. */
function timestampOf(host: Host): () => string {
  let second = -1;
  let prefix = '';
  return () => {
    const nowMs = host.clock.nowMs();
    const current = Math.floor(nowMs / 1_000);
    if (current !== second) {
      second = current;
      prefix = `,"time":"${new Date(nowMs).toISOString().slice(0, 20)}`;
    }
    const millis = Math.floor(nowMs) - current * 1_000;
    return `${prefix}${millis < 10 ? '00' : millis < 100 ? '0' : ''}${millis}Z"`;
  };
}

function traceFields(host: Host, tracer: Tracing): object {
  const span = tracer.active();
  if (span === undefined) return {};
  const project = host.process.env['GOOGLE_CLOUD_PROJECT'];
  return {
    'logging.googleapis.com/trace': project === undefined ? span.traceId : `projects/${project}/traces/${span.traceId}`,
    'logging.googleapis.com/spanId': span.spanId,
    'logging.googleapis.com/trace_sampled': span.sampled,
  };
}
