import express from 'express';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { createNodeHost } from '../core/node-host.ts';
import { problemHandler } from './problem.ts';
import { listen } from './server.ts';

test('what a request got wrong is said in words, and only defects are reported', async () => {
  const reported: unknown[] = [];
  const app = express();
  const query = z.strictObject({ state: z.enum(['open', 'resolved']).optional(), days: z.coerce.number().max(9).default(1) });
  app.get('/', (request, response) => void response.json(query.parse(request.query)));
  app.get('/defect', () => {
    throw new TypeError('secret');
  });
  app.use(problemHandler((error) => reported.push(error)));
  const server = await listen(createNodeHost(), app, { port: 0, address: '127.0.0.1' });
  try {
    const ask = async (path: string): Promise<unknown> => (await fetch(`${server.url}${path}`)).json();
    expect(await ask('/?state=opn')).toMatchObject({ status: 400, code: 'invalid_request', detail: 'state must be one of open, resolved' });
    expect(await ask('/?day=1')).toMatchObject({ detail: 'it has unknown names: day' });
    expect(await ask('/?days=99')).toMatchObject({ detail: expect.stringMatching(/^days is wrong: Too big.*9/) as string });
    expect(await ask('/?days=x')).toMatchObject({ detail: 'days must be of type number' });
    expect(reported).toEqual([]);
    expect(await ask('/defect')).toMatchObject({ status: 500, code: 'defect', detail: expect.not.stringContaining('secret') as string });
    expect(reported).toHaveLength(1);
  } finally {
    await server.stop(0);
  }
});
