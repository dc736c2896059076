import { createNodeHost } from '../../ops/core/node-host.ts';
import { capacityJsonSchema } from '../capacity/result-schema.ts';
import { summaryJsonSchema } from '../report/summary-schema.ts';
import { suiteJsonSchema } from '../suites/result-schema.ts';

// Publishes the contracts of summary.json and its neighbours: run after a change to their schemas.
const schemas = { 'run.v1.json': summaryJsonSchema, 'capacity.v1.json': capacityJsonSchema, 'suite.v1.json': suiteJsonSchema };
for (const [name, schema] of Object.entries(schemas)) {
  createNodeHost().files.writeText(new URL(name, import.meta.url).pathname, `${JSON.stringify(schema(), null, 2)}\n`);
}
