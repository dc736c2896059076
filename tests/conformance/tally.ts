/** What became of one case. */
export type CaseResult = { readonly name: string; /** The file it comes from, where there are several. */ readonly group?: string } & (
  | { readonly outcome: 'passed' | 'skipped'; readonly detail?: string }
  | { readonly outcome: 'failed'; readonly expected: string; readonly found: string });

/** Each failure with what was expected and found, then each reason to skip, then the counts of each group; those of all last. */
export function renderResults(results: readonly CaseResult[]): string {
  const failures = results.flatMap((result) => (result.outcome === 'failed' ? [`✗ ${result.name}\n    expected ${result.expected}\n    found    ${result.found}\n`] : []));
  const skips = results.flatMap((result) => (result.outcome === 'skipped' ? [`◌ ${result.name}: ${result.detail ?? 'not applicable'}\n`] : []));
  const names = [...new Set(results.flatMap(({ group }) => group ?? []))];
  const groups = names.map((name) => `${name}: ${renderCounts(results.filter(({ group }) => group === name))}\n`);
  return `${failures.join('')}${skips.join('')}${groups.join('')}${renderCounts(results)}\n`;
}

function renderCounts(results: readonly CaseResult[]): string {
  const count = (outcome: CaseResult['outcome']): number => results.filter((result) => result.outcome === outcome).length;
  return `${count('passed')} passed, ${count('failed')} failed, ${count('skipped')} skipped`;
}
