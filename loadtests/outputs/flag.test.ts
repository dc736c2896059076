import { describe, expect, it } from 'vitest';
import { checkOutput, parseOutputFlag, requireDistinct, targetOf } from './flag.ts';

describe('--out', () => {
  it('reads files and addresses', () => {
    expect(parseOutputFlag('csv=a=b.csv')).toEqual({ kind: 'csv', path: 'a=b.csv' });
    expect(parseOutputFlag('prometheus-remote-write=http://127.0.0.1:9090/api/v1/write')).toEqual({
      kind: 'prometheus-remote-write', url: new URL('http://127.0.0.1:9090/api/v1/write'),
    });
  });

  it.each([
    ['cvs=a.csv', 'did you mean csv?'],
    ['foo=bar', 'is no kind of output Kinds: csv'],
    ['csv', 'does not say where to'],
    ['csv=', 'does not say where to'],
    ['otlp=collector', 'is no http address'],
    ['otlp=ftp://127.0.0.1', 'is no http address'],
  ])('refuses %s in one message', (text, said) => {
    let thrown: { message?: string; hint?: string; exitCode?: number } = {};
    try {
      parseOutputFlag(text);
    } catch (error) {
      thrown = error as typeof thrown;
    }
    expect(`${thrown.message} ${thrown.hint}`).toContain(said);
    expect(thrown.exitCode).toBe(104);
  });

  it('keeps to the rule of targets', () => {
    const policy = { staging: ['10.1.0.0/16'], confirmed: [] };
    expect(() => checkOutput(parseOutputFlag('otlp=http://10.1.2.3:4318'), policy)).not.toThrow();
    expect(() => checkOutput(parseOutputFlag('otlp=http://10.2.2.3:4318'), policy)).toThrow('not this machine');
    expect(() => checkOutput(parseOutputFlag('otlp=https://metrics.example.com/push'), policy)).toThrow('--out otlp: "metrics.example.com" looks like production');
    expect(() => checkOutput(parseOutputFlag('csv=/tmp/x.csv'), policy)).not.toThrow();
  });

  it('shows no secret of an address', () => {
    const shown = targetOf(parseOutputFlag('otlp=http://anna:s3same@127.0.0.1:4318/base?token=abc&team=x'));
    expect(shown).toBe('http://***@127.0.0.1:4318/base?token=***&team=***');
  });

  it('wants one place for one output, and few of them', () => {
    const csv = parseOutputFlag('csv=a.csv');
    expect(() => requireDistinct([csv, parseOutputFlag('json=b.ndjson')])).not.toThrow();
    expect(() => requireDistinct([csv, parseOutputFlag('json=a.csv')])).toThrow('two outputs write to a.csv');
    expect(() => requireDistinct(Array.from({ length: 11 }, (_, index) => parseOutputFlag(`csv=${index}.csv`)))).toThrow('11 outputs');
  });
});
