import express from 'express';
import type { Router } from 'express';
import { z } from 'zod';
import { requireRole } from '../../control/auth.ts';
import type { EventLog } from '../../core/event-log/event.ts';
import type { SampleSource } from '../../metricstore/series.ts';
import type { RuleEvaluator } from './evaluator.ts';
import { recordRules } from './recording.ts';

export interface RulesRoutesOptions {
  readonly evaluator: Pick<RuleEvaluator, 'runs'>;
  readonly source: SampleSource;
  readonly log: Pick<EventLog, 'read'>;
  /** Of groups that state none; as the evaluator has it. */
  readonly intervalMs: number;
  readonly externalLabels?: Readonly<Record<string, string>>;
  readonly externalUrl?: string;
}

const span = z.strictObject({ fromMs: z.coerce.number().int(), toMs: z.coerce.number().int() });

/** `GET /recording?fromMs=…&toMs=…` gives what `sora rules replay` plays; mounted under `/api/sora/v1/rules`. */
export function rulesRoutes({ evaluator, source, log, ...settings }: RulesRoutesOptions): Router {
  const router = express.Router();
  router.get('/recording', requireRole('viewer'), async (request, response) => {
    const groups = evaluator.runs.map(({ group }) => group).filter(({ rules }) => rules.length > 0);
    response.json(await recordRules({ groups, source, readEvents: (filter) => log.read(filter), ...settings, ...span.parse(request.query) }));
  });
  return router;
}
