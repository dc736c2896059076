import { createNodeHost } from '../../ops/core/node-host.ts';
import { summaryJsonSchema } from '../report/summary-schema.ts';

// Publishes the contract of summary.json: run after a change to summary-schema.ts.
const path = new URL('run.v1.json', import.meta.url).pathname;
createNodeHost().files.writeText(path, `${JSON.stringify(summaryJsonSchema(), null, 2)}\n`);
