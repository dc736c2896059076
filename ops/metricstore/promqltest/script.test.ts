import { describe, expect, it } from 'vitest';
import type { EvalCommand } from './eval-command.ts';
import { parseScript } from './script.ts';

const evalOf = (text: string): EvalCommand => {
  const [command] = parseScript(text);
  if (command?.kind !== 'eval') throw new Error(JSON.stringify(command));
  return command;
};

describe('scripts of the test language', () => {
  it('splits into commands; a comment ends a block as an empty line does', () => {
    const commands = parseScript('# series\nload 1m30s\n  up{job="a"} 1x3\n  m@st 0s\n  m {{count:1}}\n\nclear\nload_with_nhcb 5s\n  h_bucket{le="+Inf"} 1\n# end\neval instant at 1m up\n  up{job="a"} 1\n');
    expect(commands).toMatchObject([
      { kind: 'load', line: 2, intervalMs: 90_000, isWithNative: false, series: [{ values: [{}, {}, {}, {}] }, { values: [{ kind: 'native' }] }] },
      { kind: 'clear' }, { kind: 'load', intervalMs: 5_000, isWithNative: true }, { kind: 'eval', line: 11, expr: 'up' },
    ]);
  });

  it('reads the time and the expectations of a case', () => {
    expect(evalOf('eval range from 0 to 1h step 30s sum(a) # note\n expect no_info\n expect warn regex: a.*b\n expect warn msg: exact text\n {} 1 _ 2x3')).toMatchObject({
      expr: 'sum(a) # note', time: { kind: 'range', startMs: 0, endMs: 3_600_000, stepMs: 30_000 }, info: { isForbidden: true, expected: [] },
      warn: { isForbidden: false, expected: [{ kind: 'pattern', pattern: /a.*b/ }, { kind: 'message', text: 'exact text' }] },
      result: { kind: 'series', series: [{ labels: {}, values: [{}, { kind: 'gap' }, {}, {}, {}, {}] }] }, isOrdered: false, fail: undefined,
    });
    expect(evalOf('eval instant at 5m sort(a)\n expect ordered\n a{b="1"} 1\n a 2')).toMatchObject({
      time: { kind: 'instant', atMs: 300_000 }, isOrdered: true, result: { series: [{ place: 1 }, { place: 2 }] },
    });
    expect(evalOf('eval instant at 50s a[10s]\n expect range vector from 10s to 40s step 10s\n a 1 2 3 4')).toMatchObject({
      time: { kind: 'instant', atMs: 40_000 }, points: { startMs: 10_000, endMs: 40_000, stepMs: 10_000 }, result: { series: [{ values: [{}, {}, {}, {}] }] },
    });
    expect(evalOf('eval instant at 0 "a"\n expect string "a\\n"').result).toEqual({ kind: 'string', text: 'a\n' });
    expect(evalOf('eval instant at 0 x\n expect fail msg: a b').fail).toEqual({ checks: [{ kind: 'message', text: 'a b' }] });
  });

  it('reads the older forms', () => {
    expect(evalOf('eval_fail instant at 1m x\n expected_fail_message no x').fail).toEqual({ checks: [{ kind: 'message', text: 'no x' }] });
    expect(evalOf('eval_fail range from 0 to 1 step 1 x'.replaceAll(' 1 ', ' 1s ')).fail).toEqual({ checks: [] });
    expect(evalOf('eval_fail instant at 1m x\n expected_fail_regexp no (x|y)').fail).toEqual({ checks: [{ kind: 'pattern', pattern: /no (x|y)/ }] });
    expect(evalOf('eval_ordered instant at 1m x').isOrdered).toBe(true);
    expect(evalOf('eval_warn instant at 1m x').warn.isRequired).toBe(true);
    expect(evalOf('eval_info instant at 1m x').info.isRequired).toBe(true);
  });

  it.each([
    ['5', 5], ['-1e-3', -0.001], ['0x1F', 31], ['0b11', 3], ['017', 15], ['1_000', 1_000], ['NaN', Number.NaN], ['-Inf', -Infinity], ['.5', 0.5], ['0', 0],
  ])('reads the number %s, which ends a case', (text, value) => {
    expect(parseScript(`eval instant at 1m x\n ${text}\n`)).toMatchObject([{ kind: 'eval', result: { kind: 'scalar', value } }]);
  });

  it('goes on after what it cannot read', () => {
    expect(parseScript('lod 5m\n a 1\n\neval at 5m a\n a 1\n\neval instant at 5m a\n a 1 2\n\neval instant at 5m a\n expect nothing\n\nclear')).toMatchObject([
      { kind: 'unreadable', line: 1, isEval: false }, { kind: 'unreadable', line: 4, isEval: true, reason: expect.stringContaining('instant at TIME') as string },
      { kind: 'unreadable', line: 7, reason: expect.stringContaining('one value a series') as string }, { kind: 'unreadable', line: 10, reason: expect.stringContaining('no expectation') as string },
      { kind: 'clear' },
    ]);
  });
});
