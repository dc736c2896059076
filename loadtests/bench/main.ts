/** Entry point of `npm run bench`. */
import { parts } from './catalog.ts';
import { runCatalog } from './run-catalog.ts';

await runCatalog(parts);
