import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import express from 'express';
import type { Router } from 'express';
import { z } from 'zod';
import { requireRole } from '../../control/auth.ts';
import { SoraError } from '../../core/error.ts';
import type { EventLog } from '../../core/event-log/event.ts';
import type { SampleSource } from '../../metricstore/series.ts';
import type { RuleEvaluator } from './evaluator.ts';
import { recordRules } from './recording.ts';

export interface RulesRoutesOptions {
  readonly evaluator: Pick<RuleEvaluator, 'runs'>;
  readonly source: SampleSource;
  readonly log: Pick<EventLog, 'read'>;
  /** From when on samples are those that rules saw; default: always. */
  readonly completeFromMs?: () => number;
  /** Of groups that state none; as the evaluator has it. */
  readonly intervalMs: number;
  readonly externalLabels?: Readonly<Record<string, string>>;
  readonly externalUrl?: string;
}

const span = z.strictObject({ fromMs: z.coerce.number().int(), toMs: z.coerce.number().int() });

/** Lines that wait for a client that reads slowly. */
const waitingLinesMax = 16;

/**
 * `GET /recording?fromMs=…&toMs=…` gives what `sora rules replay` plays; mounted under `/api/sora/v1/rules`. It is a line of JSON for each
 * series, sent as they are read, to one client at a time: it reads much in the process that evaluates alerts.
 */
export function rulesRoutes({ evaluator, source, log, completeFromMs, ...settings }: RulesRoutesOptions): Router {
  const router = express.Router();
  let isRecording = false;
  router.get('/recording', requireRole('operator'), async (request, response) => {
    const asked = span.parse(request.query);
    if (isRecording) throw new SoraError('recording_busy', 'another recording is under way', { status: 503, hint: 'ask again when it is done' });
    isRecording = true;
    try {
      const groups = evaluator.runs.map(({ group }) => group).filter(({ rules }) => rules.length > 0);
      const complete = completeFromMs === undefined ? {} : { completeFromMs: completeFromMs() };
      const lines = await recordRules({ groups, source, readEvents: (filter) => log.read(filter), ...settings, ...complete, ...asked });
      response.type('application/x-ndjson');
      await pipeline(Readable.from(lines, { highWaterMark: waitingLinesMax }), response);
    } catch (error) {
      // A client that went away needs no answer.
      if (!response.headersSent) throw error;
    } finally {
      isRecording = false;
    }
  });
  return router;
}
