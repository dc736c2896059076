import { describe, expect, it } from 'vitest';
import { runScript } from './run-script.ts';

const load = `
load 1m
  requests_total{code="200"} 0+60x10
  requests_total{code="500"} 0+6x10
  native {{count:4 sum:2 buckets:[1 2 1]}}x10
  mixed 1 2 {{count:4}} 4
`;

async function outcomes(cases: string): Promise<string[]> {
  return (await runScript(`${load}\n${cases}`)).map((result) => (result.outcome === 'skipped' ? `skipped: ${result.reason}` : result.outcome));
}

describe('running scripts', () => {
  it('passes what is right and fails what is wrong', async () => {
    expect(await outcomes(`
eval instant at 10m sum(rate(requests_total[5m]))
  {} 1.1

eval instant at 10m sum(rate(requests_total[5m]))
  {} 1.2

eval range from 0 to 2m step 1m requests_total{code="500"}
  requests_total{code="500"} 0 6 12

eval instant at 1m scalar(requests_total{code="200"})
  60

eval instant at 2m sort_desc(requests_total)
  expect ordered
  requests_total{code="200"} 120
  requests_total{code="500"} 12

eval instant at 1m requests_total + on() requests_total
  expect fail regex: many-to-many|duplicate series

eval instant at 1m requests_total
  expect fail

eval instant at 1m sum(
  {} 1

eval instant at 2m "a"
  expect string "a"

eval instant at 3m requests_total{code="200"}[2m]
  expect range vector from 2m to 3m step 1m
  requests_total{code="200"} 120 180

eval instant at 3m rate(mixed_up[1m])
`)).toEqual(['passed', 'failed', 'passed', 'passed', 'passed', 'passed', 'failed', 'failed', 'passed', 'passed', 'passed']);
  });

  it('skips what fails for native histograms or experiments, and nothing else', async () => {
    expect(await outcomes(`
eval instant at 1m native
  native {{count:4 sum:2 buckets:[1 2 1]}}

eval instant at 1m histogram_count(native)
  {} 4

eval instant at 2m mixed
  mixed {{count:4}}

eval instant at 2m30s max_over_time((mixed)[1m:1m])
  {} 5

eval instant at 3m max_over_time(mixed[90s])
  {} 5

eval instant at 3m mixed
  mixed 5

eval instant at 1m mixed
  mixed 3

eval instant at 20m native
  {} 1

eval instant at 1m mad_over_time(requests_total[1m])
  {} 12345

eval instant at 1m label_replace(requests_total, "x", "mad_over_time", "", "")
  {} 1
`)).toEqual([
      'skipped: native histogram in the result', 'skipped: native histogram in the input', 'skipped: native histogram in the result',
      'skipped: native histogram in the input', 'skipped: native histogram in the input', 'failed', 'failed', 'failed',
      'skipped: experimental function', 'failed',
    ]);
  });

  it('knows the native histograms that load_with_nhcb makes of classic ones', async () => {
    const results = await runScript('load_with_nhcb 1m\n  h_bucket{le="1"} 1\n  h_bucket{le="+Inf"} 2\n  h_sum 3\n\neval instant at 0 histogram_sum(h)\n  {} 3\n\neval instant at 0 h_sum\n  h_sum 4\n');
    expect(results).toMatchObject([{ outcome: 'skipped' }, { outcome: 'failed', line: 9, expected: '1 series', found: 'h_sum 3 instead of 4' }]);
  });

  it('starts anew after clear, and counts what it cannot read as failed', async () => {
    expect(await runScript(`${load}\nclear\neval instant at 1m requests_total\n\neval_nothing\n`)).toMatchObject([{ outcome: 'passed' }, { outcome: 'failed', expr: 'eval_nothing' }]);
  });
});
