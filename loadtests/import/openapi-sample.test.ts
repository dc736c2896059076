import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OpenApiDocument } from './openapi-document.ts';
import { sampleOf } from './openapi-sample.ts';

const document = new OpenApiDocument(
  { openapi: '3.1.0', paths: {}, components: { schemas: { Id: { type: 'integer', minimum: 7 }, Loop: { type: 'object', required: ['next'], properties: { next: { $ref: '#/components/schemas/Loop' } } }, Circle: { $ref: '#/components/schemas/Circle' } } } },
  'api.json',
);
const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);

const bounds = fc.tuple(fc.integer({ min: -1_000, max: 1_000 }), fc.integer({ min: 0, max: 500 }));
const leaf = fc.oneof(
  bounds.map(([minimum, span]) => ({ type: 'integer', minimum, maximum: minimum + span })),
  bounds.map(([minimum, span]) => ({ type: 'integer', exclusiveMinimum: minimum, exclusiveMaximum: minimum + span + 2 })),
  fc.integer({ min: 1, max: 50 }).map((multipleOf) => ({ type: 'integer', minimum: 3, multipleOf })),
  bounds.map(([minimum]) => ({ type: 'number', minimum })),
  fc.tuple(fc.nat(50), fc.nat(50)).map(([minLength, more]) => ({ type: 'string', minLength, maxLength: minLength + more })),
  fc.constantFrom('uuid', 'date', 'date-time', 'email', 'uri', 'ipv4', 'ipv6', 'hostname').map((format) => ({ type: 'string', format })),
  fc.constantFrom('^\\d{3}$', '^[a-z]+$', '^[A-Z]{3}$', '^\\d{4}-\\d\\d-\\d\\d$').map((pattern) => ({ type: 'string', pattern })),
  fc.array(fc.string(), { minLength: 1 }).map((values) => ({ enum: values })),
  fc.string().map((value) => ({ const: value })),
  fc.constant({ type: ['null', 'boolean'] }),
  fc.constant({ anyOf: [{ type: 'null' }, { type: 'string', minLength: 2 }] }),
);
const schema = fc.letrec<{ any: object }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small' }, leaf,
    fc.tuple(tie('any'), fc.integer({ min: 0, max: 3 })).map(([items, minItems]) => ({ type: 'array', items, minItems })),
    fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), tie('any'), { maxKeys: 3 }).map((properties) => ({ type: 'object', properties, required: Object.keys(properties) })),
    fc.tuple(tie('any'), tie('any')).map(([a, b]) => ({ allOf: [{ type: 'object', properties: { a }, required: ['a'] }, { properties: { b }, required: ['b'] }] })),
  ),
})).any;

describe('sampleOf', () => {
  it('makes values that their schemas accept', () => {
    fc.assert(fc.property(schema, (any) => {
      const value = sampleOf(document, any);
      expect(value).not.toBeUndefined();
      expect(ajv.validate(any, value), `${JSON.stringify(value)} for ${JSON.stringify(any)}`).toBe(true);
    }));
  });

  it.each<[string, object, unknown]>([
    ['an example before a default', { type: 'integer', example: 5, default: 7 }, 5],
    ['the first of several examples', { type: 'string', examples: ['b', 'c'] }, 'b'],
    ['a default before an enumeration', { enum: ['x', 'y'], default: 'y' }, 'y'],
    ['exclusive bounds as 3.0 writes them', { type: 'integer', minimum: 5, exclusiveMinimum: true }, 6],
    ['a reference', { $ref: '#/components/schemas/Id' }, 7],
    ['nothing where no text is known to match', { type: 'string', pattern: '^(?:q){77}x$' }, undefined],
    ['nothing where no number fits', { type: 'integer', minimum: 5, maximum: 6, multipleOf: 4 }, undefined],
    ['nothing for what holds itself', { $ref: '#/components/schemas/Loop' }, undefined],
  ])('takes %s', (_what, any, value) => {
    expect(sampleOf(document, any)).toEqual(value);
  });

  it('refuses references that lead nowhere or in a circle', () => {
    expect(() => sampleOf(document, { $ref: '#/components/schemas/None' })).toThrow('api.json refers to #/components/schemas/None, which is not in it');
    expect(() => sampleOf(document, { $ref: 'other.json#/Id' })).toThrow('which is not in it');
    expect(() => sampleOf(document, { $ref: '#/components/schemas/Circle' })).toThrow('refers in a circle');
  });
});
