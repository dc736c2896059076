import { stripTypeScriptTypes } from 'node:module';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Part, ScenarioPlan, Source, Template } from './plan.ts';
import { writeScenario } from './write-scenario.ts';
import { commentText, literal, propertyName, templateText } from './write-text.ts';

/** Any text, halves of surrogate pairs and what could end a literal among it. */
const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\\', "'", '`', '${', '}', '*/', '/*', '//', '\n', '\r', '\u2028', '\u2029', '\0', '\ud800', '\udfff', '\u202e', '"', '</script>', 'a') }),
);
const run = (expression: string, user: object = {}): unknown =>
  // oxlint-disable-next-line no-implied-eval, no-new-func, typescript/no-implied-eval
  new Function('user', 'carried', 'secret', 'basic', `'use strict'; return (${expression});`)(
    user, (_user: object, name: string) => `<${name}>`, (_user: object, name: string) => `(${name})`, (text: string) => `b:${text}`,
  );

describe('a literal', () => {
  it('reads back as the text it was made of, and is one line of ordinary characters', () => {
    fc.assert(fc.property(anyText, (text) => {
      expect(run(literal(text))).toBe(text);
      expect(literal(text)).not.toMatch(/[\n\r\u2028\u2029\u202e\0]/);
    }));
  });
  it('keeps what people can read', () => {
    expect(literal("it's żółć 🎉")).toBe(String.raw`'it\'s żółć 🎉'`);
  });
});

describe('a template', () => {
  const part: fc.Arbitrary<Part> = fc.oneof(
    fc.record({ kind: fc.constant('text' as const), text: anyText }),
    fc.record({ kind: fc.constantFrom('carried' as const, 'secret' as const, 'basic' as const), name: anyText }),
  );
  const fill = (template: Template): string =>
    template.map((each) => (each.kind === 'text' ? each.text : each.kind === 'carried' ? `<${each.name}>` : each.kind === 'secret' ? `(${each.name})` : each.kind === 'basic' ? `b:(${each.name})` : '')).join('');
  it('reads back with its holes filled', () => {
    fc.assert(fc.property(fc.array(part, { maxLength: 5 }), (template) => {
      expect(run(templateText(template))).toBe(fill(template));
    }));
  });
  it('encodes what fills the holes of a URL, and only that', () => {
    expect(run(templateText([{ kind: 'text', text: '/a b/' }, { kind: 'carried', name: 'x/y' }], 'encodeURIComponent'))).toBe('/a b/%3Cx%2Fy%3E');
    expect(run(templateText([{ kind: 'carried', name: 'x/y' }], 'encodeURIComponent'))).toBe('%3Cx%2Fy%3E');
  });
});

describe('a property name', () => {
  it('names that property and no other, the prototype included', () => {
    fc.assert(fc.property(fc.oneof(anyText, fc.constantFrom('__proto__', 'constructor', 'a-b', '1')), (name) => {
      expect(Object.entries(run(`{ ${propertyName(name)}: 7 }`) as object)).toEqual([[name, 7]]);
    }));
  });
});

describe('a comment', () => {
  it('ends where it should', () => {
    fc.assert(fc.property(anyText, (text) => {
      expect(run(`/** ${commentText(text)} */ 5`)).toBe(5);
    }));
  });
});

describe('writeScenario', () => {
  const template = fc.array(fc.oneof(fc.record({ kind: fc.constant('text' as const), text: anyText }), fc.constantFrom<Part>({ kind: 'carried', name: 'itemId' }, { kind: 'secret', name: 'X_KEY' }, { kind: 'write-id' })), { maxLength: 4 });
  const source: fc.Arbitrary<Source> = fc.oneof(
    fc.record({ kind: fc.constant('json' as const), path: fc.array(fc.oneof(anyText, fc.nat())) }),
    fc.record({ kind: fc.constant('cookie' as const), cookie: anyText }),
    fc.record({ kind: fc.constant('location' as const), query: anyText }),
  );
  const request = fc.record({
    method: fc.constantFrom('GET' as const, 'POST' as const), path: template, headers: fc.array(fc.tuple(anyText, template), { maxLength: 3 }),
    body: fc.oneof(
      fc.constant({ kind: 'none' as const }),
      fc.record({ kind: fc.constant('text' as const), text: template }),
      fc.record({ kind: fc.constant('form' as const), fields: fc.array(fc.tuple(anyText, template), { maxLength: 3 }) }),
      fc.record({ kind: fc.constant('json' as const), json: fc.record({ kind: fc.constant('object' as const), entries: fc.array(fc.tuple(anyText, fc.record({ kind: fc.constant('template' as const), template, isNumber: fc.boolean() })), { maxLength: 3 }) }) }),
    ),
    status: fc.option(fc.integer({ min: 200, max: 599 }), { nil: undefined }), takes: fc.array(fc.record({ name: fc.constantFrom('itemId', 'sid'), source }), { maxLength: 2 }),
  });
  it('writes a file that parses, whatever the values hold', () => {
    const plan: fc.Arbitrary<ScenarioPlan> = fc.record({
      name: anyText, description: anyText, thinkTimeMs: fc.constant({ kind: 'exponential' as const, mean: 1_000 }), secrets: fc.array(anyText, { maxLength: 2 }),
      steps: fc.array(fc.record({ op: anyText, thinkTimeMs: fc.constant(undefined), requests: fc.array(request, { minLength: 1, maxLength: 3 }) }), { minLength: 1, maxLength: 4 }),
    });
    fc.assert(fc.property(plan, anyText, (written, origin) => {
      expect(() => stripTypeScriptTypes(writeScenario(written, { origin }))).not.toThrow();
    }), { numRuns: 60 });
  });
});
