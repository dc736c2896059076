import { SoraError } from '../../core/error.ts';

/** Prometheus' text format 0.0.4 (and 1.0.0, which adds quoted names), or OpenMetrics 1.0. */
export type ExpositionFormat = 'text' | 'openmetrics';

/** What we read, best first, for the header `accept` of a scrape. */
export const acceptHeader =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1';

/**
 * The format that a `content-type` announces; text where it is missing.
 * @throws SoraError `unsupported_format`
 */
export function formatOf(contentType: string | undefined): ExpositionFormat {
  const media = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (media === 'application/openmetrics-text') return 'openmetrics';
  if (media === '' || media === 'text/plain') return 'text';
  throw new SoraError('unsupported_format', `the target answers with ${JSON.stringify(media)}, which is no metrics format we read`, {
    hint: 'let it answer with text/plain; version=0.0.4 or application/openmetrics-text; version=1.0.0',
  });
}

/** What is wrong with an exposition, and in which line. */
export function badExposition(line: number, problem: string): SoraError {
  return new SoraError('bad_exposition', `line ${line}: ${problem}`);
}
