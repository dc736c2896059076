import { describe, expect, it } from 'vitest';
import { importOpenApi } from './openapi-import.ts';
import { showTemplate } from './plan.ts';

const pets = { type: 'array', items: { $ref: '#/components/schemas/Pet' } };
const json = (schema: object): object => ({ description: '', content: { 'application/json': { schema } } });
const path = (name: string, more: object = {}): object => ({ name, in: 'path', required: true, schema: { type: 'string' }, ...more });
const document = {
  openapi: '3.0.3',
  info: { title: 'Pets', version: '1' },
  servers: [{ url: 'https://{region}.pets.test/v1/', variables: { region: { default: 'eu' } } }],
  security: [{ key: [] }],
  components: {
    schemas: { Pet: { type: 'object', properties: { id: { type: 'integer' }, ownerId: { type: 'string' }, tag: { type: 'string', nullable: true } } } },
    parameters: { Page: { name: 'page', in: 'query', schema: { type: 'integer', default: 1 } } },
    securitySchemes: { key: { type: 'apiKey', in: 'header', name: 'X-Api-Key' }, login: { type: 'http', scheme: 'basic' }, tls: { type: 'mutualTLS' }, query: { type: 'apiKey', in: 'query', name: 'k' } },
  },
  paths: {
    '/pets/{id}': { parameters: [path('id')], get: { operationId: 'getPet', responses: { 200: json({ $ref: '#/components/schemas/Pet' }) } }, delete: { operationId: 'deletePet', responses: {} }, head: { responses: { 204: { description: '' } } } },
    '/pets': { get: { operationId: 'listPets', parameters: [{ $ref: '#/components/parameters/Page' }, { name: 'cursor', in: 'query', schema: { type: 'string' } }], responses: { 200: json(pets) } }, options: { responses: {} }, post: { responses: {} } },
    '/owners/{ownerId}': { get: { parameters: [path('ownerId')], security: [], responses: { '2XX': json({ type: 'object' }) } } },
    '/shops/{shop}/{zone}': { get: { operationId: 'getShop', parameters: [path('shop', { example: 'a b/c' }), path('zone', { schema: { enum: ['north', 'south'] } })], security: [{ login: [] }], responses: {} } },
    '/ghosts/{ghostId}': { get: { parameters: [path('ghostId')], responses: {} } },
    '/find': {
      get: {
        operationId: 'find', security: [{ tls: [] }, { query: [] }], responses: { 200: { description: '' }, 404: { description: '' } },
        parameters: [
          { name: 'q', in: 'query', required: true, schema: { type: 'string', minLength: 2 } }, { name: 'tags', in: 'query', example: ['a', 'b c'], schema: pets }, { name: 'ids', in: 'query', explode: false, example: [1, 2], schema: pets },
          { name: 'where', in: 'query', style: 'deepObject', example: { size: 3 }, schema: { type: 'object' } }, { name: 'x-tenant', in: 'header', required: true, schema: { type: 'string', format: 'uuid' } },
          { name: 'code', in: 'cookie', required: true, schema: { type: 'string', enum: ['z'] } },
        ],
      },
    },
    '/locked': { get: { security: [{ tls: [] }], responses: {} } },
    '/odd': { get: { parameters: [{ name: 'p', in: 'query', required: true, schema: { type: 'string', pattern: '^(?:q){77}$' } }], responses: {} } },
  },
};
const { plan, report } = importOpenApi(document, 'pets.json', 'pets');
const requests = plan.steps.flatMap((step) => step.requests.map((request) => [step.op, `${request.method} ${showTemplate(request.path)}`]));

describe('importOpenApi', () => {
  it('calls every GET and HEAD, what needs an id behind the list that has it', () => {
    expect(requests).toEqual([
      ['list-pets', 'GET /v1/pets?page=1'],
      ['get-owners-owner-id', 'GET /v1/owners/{ownerId}'],
      ['get-shop', 'GET /v1/shops/a%20b%2Fc/north'],
      ['find', 'GET /v1/find?q=aa&tags=a&tags=b%20c&ids=1%2C2&where%5Bsize%5D=3&k={PETS_K}'],
      ['get-pet', 'GET /v1/pets/{petId}'],
      ['head-pets-id', 'HEAD /v1/pets/{petId}'],
    ]);
    expect(report.carried).toEqual([
      { name: 'ownerId', from: '0.ownerId of GET /pets', to: ['path of GET /owners/{ownerId}'] },
      { name: 'petId', from: '0.id of GET /pets', to: ['path of GET /pets/{id}', 'path of HEAD /pets/{id}'] },
    ]);
  });
  it('tells what it cannot call, and why', () => {
    expect(report.leftOut.map(({ what }) => what)).toEqual([
      'GET /ghosts/{ghostId}: no other reply has its ghostId, and the document gives no example',
      'GET /locked: its security scheme tls is mutualTLS, which an import does not write',
      'GET /odd: its query parameter p has no example, and none can be made from its schema',
    ]);
  });
  it('sends credentials from the environment, where they are asked for', () => {
    const headers = Object.fromEntries(plan.steps.map((step) => [step.op, step.requests[0]?.headers.map(([name, value]) => `${name}: ${showTemplate(value)}`)]));
    expect(headers).toMatchObject({
      'list-pets': ['x-api-key: {PETS_X_API_KEY}'], 'get-shop': ['authorization: Basic {PETS_BASIC_CREDENTIALS}'], 'get-owners-owner-id': [],
      find: ['x-tenant: 00000000-0000-4000-8000-000000000001', 'cookie: code=z'],
    });
    expect(report.secrets.toSorted()).toEqual(['PETS_BASIC_CREDENTIALS', 'PETS_K', 'PETS_X_API_KEY']);
  });
  it('expects the one status that the document names', () => {
    expect(plan.steps.map(({ op, requests: [request] }) => [op, request?.status])).toEqual([['list-pets', 200], ['get-owners-owner-id', undefined], ['get-shop', undefined], ['find', 200], ['get-pet', 200], ['head-pets-id', 204]]);
  });
  it.each<[string, object, string]>([
    ['another version', { openapi: '3.2.0', paths: {} }, 'openapi: must be 3.0 or 3.1'],
    ['paths that are a list', { openapi: '3.1.0', paths: [] }, 'paths: '],
    ['nothing to call', { openapi: '3.1.0', paths: { '/a': { post: {} } } }, 'has no GET or HEAD that can be called'],
  ])('refuses %s in one message', (_what, broken, message) => {
    expect(() => importOpenApi(broken, 'x.json', 'x')).toThrow(expect.objectContaining({ exitCode: 104, message: expect.stringContaining(message) as string }));
  });
});
