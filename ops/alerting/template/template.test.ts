import { describe, expect, it } from 'vitest';
import { outputMax } from './execute.ts';
import type { TemplateWorld } from './functions.ts';
import { formatFloat } from './go-float.ts';
import { compileTemplate, expandTemplate } from './template.ts';

// What each function gives is in rule-tests/fixtures/pass-templates.yaml, which promtool runs as well.
const world: TemplateWorld = {
  atMs: 60_000, externalUrl: 'https://prom.example.test/base',
  query: (text) => (text === 'broken' ? Promise.reject(new Error('no such thing')) : Promise.resolve([{ labels: { instance: 'b' }, value: 2 }, { labels: { instance: 'a' }, value: 1 }])),
};
const data = { labels: { instance: 'one', __name__: 'up' }, value: 1.5, externalLabels: { region: 'eu' }, externalUrl: world.externalUrl };
const expand = (text: string): Promise<string> => expandTemplate(compileTemplate(text), 'A', data, world);

describe('expandTemplate', () => {
  it('leaves a text without actions as it is', async () => {
    expect(await expand('up } is {')).toBe('up } is {');
  });

  it.each([
    ['{{ $labels.instance }} {{ .Labels.instance }} {{ $externalLabels.region }} {{ $externalURL }}', 'one one eu https://prom.example.test/base'],
    ['{{ externalURL }} {{ pathPrefix }}', 'https://prom.example.test/base /base'],
    ['{{ range query "x" }}{{ .Labels.instance }}={{ .Value }} {{ end }}', 'b=2 a=1 '],
    ['{{ define "x" }}<{{ . }}>{{ end }}{{ template "x" $value }}{{ block "y" 3 }}{{ . }}{{ end }}', '<1.5>3'],
    ['{{ (query "x" | sortByLabel "instance" | first).Labels.instance }}', 'a'],
    ['a\n  {{- "b" -}}\n  c', 'abc'],
    ['{{ with 0 }}x{{ else with "y" }}{{ . }}{{ end }}', 'y'],
    ['{{ (toTime 0).Add (toDuration 90) }}', '1970-01-01 00:01:30 +0000 UTC'],
    ['{{ printf "%*d|%-6q|%[2]s %[1]d" 5 42 "x" }}', '   42|"x"   |%!s(int=42) 5'],
  ])('expands %s', async (text, expected) => {
    expect(await expand(text)).toBe(expected);
  });

  it.each([
    ['{{ query "broken" }}', 'error calling query: no such thing'],
    ['{{ .Labels.instance.x }}', "can't evaluate field x in type string"],
    ['{{ .Nope }}', "can't evaluate field Nope in type struct"],
    ['{{ index $labels 1 }}', 'value has type int; should be string'],
    ['{{ toUpper 5 }}', 'wrong type for value; expected string; got int'],
    ['{{ toUpper }}', 'wrong number of args for toUpper: want 1 got 0'],
    ['{{ template "nope" }}', 'template "nope" not defined'],
    ['{{ lt 1 1.5 }}', 'incompatible types for comparison'],
    ['{{ humanize "x" }}', 'strconv.ParseFloat: parsing "x": invalid syntax'],
    ['{{ slice "abc" 2 1 }}', 'invalid slice index: 2 > 1'],
    ['{{ define "a" }}{{ template "a" }}{{ end }}{{ template "a" }}', 'exceeded maximum template depth'],
    ['{{ range 99999 }}{{ range 99999 }}x{{ end }}{{ end }}', 'took more than'],
  ])('says in the text what went wrong with %s', async (text, message) => {
    expect(await expand(text)).toMatch(/^<error expanding template: error executing template __alert_A: template: .*>$/s);
    expect(await expand(text)).toContain(message);
  });

  it('bounds what a template writes', async () => {
    const text = await expand('{{ range 1000 }}0123456789{{ end }}');
    expect(text).toHaveLength(outputMax);
    expect(text.endsWith('9\u2026') || text.endsWith('\u2026')).toBe(true);
  });
});

describe('compileTemplate', () => {
  it.each([
    ['{{ nope }}', '1: function "nope" not defined'], ['a\n{{ $nope }}', '2: undefined variable "$nope"'], ['{{ if 1 }}', '1: unexpected EOF'], ['{{ end }}', '1: unexpected {{end}}'],
    ['{{ if }}x{{ end }}', '1: missing value for if'], ['{{ "a }}', '1: unterminated quoted string'], ['{{ 1 | 2 }}', '1: non executable command in pipeline stage 2'], ['{{ (1 }}', '1: unclosed left paren'],
    ['{{ break }}', '1: {{break}} outside {{range}}'], ['{{ /* x }}', '1: unclosed comment'], ['{{ range $a, $b := query "x" }}{{ end }}{{ $a }}', '1: undefined variable "$a"'], ['{{ if 1 }}a{{ else }}b{{ else }}c{{ end }}', 'expected end; found {{else}}'],
    ['{{ 1 ', '1: unclosed action'], ['{{ else }}', '1: unexpected {{else}}'], [`${'{{ if 1 }}'.repeat(200)}${'{{ end }}'.repeat(200)}`, 'nested deeper than 100'],
  ])('refuses %s when rules are loaded', (text, message) => {
    expect(() => compileTemplate(text)).toThrow(message);
  });
});

describe('formatFloat', () => {
  it('rounds half to even on every digit of the value, as Go does', () => {
    expect([0.5, 1.5, 2.5, 1e22, 123456.5].map((value) => formatFloat(value, 'f', 0))).toEqual(['0', '2', '2', '10000000000000000000000', '123456']);
    expect([0.125, 0.375, 1.005].map((value) => formatFloat(value, 'f', 2))).toEqual(['0.12', '0.38', '1.00']);
    expect([1e21, 1e-5, 0, -0, 5e-324, Number.MAX_VALUE].map((value) => formatFloat(value, 'g', -1))).toEqual(['1e+21', '1e-05', '0', '-0', '5e-324', '1.7976931348623157e+308']);
    expect([99.95, 999.96, 0.00099995].map((value) => formatFloat(value, 'g', 4))).toEqual(['99.95', '1000', '0.001']);
    expect(formatFloat(9.9999, 'e', 2)).toBe('1.00e+01');
  });
});
