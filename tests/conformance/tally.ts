/** What became of one case. */
export type CaseResult =
  | { readonly outcome: 'passed' | 'skipped'; readonly name: string; readonly detail?: string }
  | { readonly outcome: 'failed'; readonly name: string; readonly expected: string; readonly found: string };

/** Each failure with what was expected and found, then each reason to skip; the counts last. */
export function renderResults(results: readonly CaseResult[]): string {
  const failures = results.flatMap((result) => (result.outcome === 'failed' ? [`✗ ${result.name}\n    expected ${result.expected}\n    found    ${result.found}\n`] : []));
  const skips = results.flatMap((result) => (result.outcome === 'skipped' ? [`◌ ${result.name}: ${result.detail ?? 'not applicable'}\n`] : []));
  const count = (outcome: CaseResult['outcome']): number => results.filter((result) => result.outcome === outcome).length;
  return `${failures.join('')}${skips.join('')}${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped\n`;
}
