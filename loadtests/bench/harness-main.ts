/** Entry point of `npm run bench:harness`. */
import { harness } from './catalog.ts';
import { runCatalog } from './run-catalog.ts';

await runCatalog(harness);
