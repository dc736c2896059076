/** Entry point: brings the database of DATABASE_URL up to date and ends. Says what it applied on standard error. */
import { SoraError, exitCodes, invalidConfig, renderError } from '../../ops/core/error.ts';
import { createNodeHost } from '../../ops/core/node-host.ts';
import { migrate } from './migrations.ts';

const host = createNodeHost();
try {
  const url = host.process.env['DATABASE_URL'];
  if (url === undefined || url === '') throw invalidConfig('DATABASE_URL is not set', 'for example postgres://user:password@127.0.0.1:5432/sora');
  const { applied } = await migrate(host, url);
  host.stderr.write(applied.length === 0 ? 'the schema is up to date\n' : `applied ${applied.join(', ')}\n`);
} catch (error) {
  host.stderr.write(renderError(error));
  host.process.setExitCode(error instanceof SoraError ? error.exitCode : exitCodes.generic);
}
