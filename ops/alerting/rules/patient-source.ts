/** Reads samples for rules, and keeps a read that hangs from holding up rules that need none of what it waits for. */
import { SoraError } from '../../core/error.ts';
import type { Host } from '../../core/host.ts';
import { waitAtMost } from '../../core/wait.ts';
import type { SampleSource } from '../../metricstore/series.ts';

/** As long as a query of a rule may take; see evaluator.ts. */
const selectMaxMs = 10_000;

/**
 * What is recent lies in memory, what is older in a database that may hang: a read without an answer is given up after
 * 10 s, and until it ends those that look back at least as far are refused at once. Others go on.
 * @returns a source whose `select` throws SoraError `samples_unanswered` then; the rest is the source's own
 */
export function patientSource({ clock, timers }: Pick<Host, 'clock' | 'timers'>, source: SampleSource): SampleSource {
  /** How far back each read looks that hangs. */
  const hanging = new Map<Promise<unknown>, number>();
  return {
    async select(matchers, span, samplesMax) {
      const ageMs = clock.nowMs() - span.fromMs;
      const shortestMs = Math.min(...hanging.values());
      if (ageMs >= shortestMs) throw unanswered(shortestMs);
      const reading = source.select(matchers, span, samplesMax);
      if (await waitAtMost(timers, selectMaxMs, reading)) return await reading;
      hanging.set(reading, ageMs);
      const forget = (): void => void hanging.delete(reading);
      reading.then(forget, forget);
      throw unanswered(ageMs);
    },
    series: (selectors, span) => source.series(selectors, span),
    labelNames: (selectors, span) => source.labelNames(selectors, span),
    labelValues: (label, selectors, span) => source.labelValues(label, selectors, span),
    metadata: (name) => source.metadata(name),
  };
}

const unanswered = (ageMs: number): SoraError => new SoraError('samples_unanswered', `samples of the last ${Math.round(ageMs / 60_000)} min were asked for and did not come within ${selectMaxMs / 1_000} s`, {
  status: 503, hint: 'older samples lie in the control plane\'s database, or at PROMETHEUS_URL: see whether it answers',
});
