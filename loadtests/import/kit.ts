import { invalidConfig, SoraError } from '../../ops/core/error.ts';
import type { Host } from '../../ops/core/host.ts';
import { createNodeHost } from '../../ops/core/node-host.ts';
import type { HttpReply } from '../swarm/scenario.ts';
import type { Source } from './plan.ts';
import { describeSource, valueAt } from './reply-values.ts';

/** What imported scenarios call while they run. Change it with care: files written long ago import it. */

/**
 * Reads the environment's values that an imported scenario needs, once, before its first request.
 * @throws SoraError `invalid_config` (104) that names every one that is not set
 */
export async function readSecrets(names: readonly string[], host: Pick<Host, 'process'> = createNodeHost()): Promise<Record<string, string>> {
  const { env } = host.process;
  const missing = names.filter((name) => (env[name] ?? '') === '');
  if (missing.length > 0) {
    throw invalidConfig(
      `${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not set: secrets were left out of the file`,
      `set ${missing.length === 1 ? 'it' : 'them'} in the environment; {user} in a value becomes the number of the simulated user`,
    );
  }
  return await Promise.resolve(Object.fromEntries(names.map((name) => [name, env[name] ?? ''])));
}

/** One of those values for this user; `{user}` in it becomes the user's number, from 0. */
export function secret(user: { readonly index: number; readonly shared: unknown }, name: string): string {
  const value = (user.shared as Readonly<Record<string, string>> | undefined)?.[name];
  if (value === undefined) throw new SoraError('secret_missing', `${name} was not read in setup`, { hint: 'name it in readSecrets' });
  return value.replaceAll('{user}', String(user.index));
}

/** The credentials of HTTP Basic (RFC 7617) from `name:password`. */
export function basic(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64');
}

/**
 * A value that an earlier reply handed on.
 * @throws SoraError `not_carried` where that reply had none
 */
export function carried<Name extends string>(user: { readonly state: Readonly<Partial<Record<Name, string | undefined>>> }, name: Name): string {
  const value = user.state[name];
  if (value === undefined) throw new SoraError('not_carried', `${name} is not known: the reply it is read from had none, or did not come`);
  return value;
}

/**
 * Reads a value of a reply that later requests need.
 * @throws SoraError `value_missing` that names the place
 */
export function readValue(reply: HttpReply, source: Source): string {
  const value = readIfAny(reply, source);
  if (value === undefined || value === '') {
    throw new SoraError('value_missing', `the reply (status ${reply.status}) has no ${describeSource(source)}`, { hint: 'the target answers otherwise than the recorded one did' });
  }
  return value;
}

/** The same where a reply without it is right too, as an empty list is: undefined then. */
export function readIfAny(reply: HttpReply, source: Source): string | undefined {
  return valueAt({ headers: reply.headers, text: () => reply.body.toString('utf8'), json: () => reply.json<unknown>() }, source);
}

/** A text as it stands in XML, within an element or an attribute. */
export { xmlText } from './xml-text.ts';

/** A form as browsers send it; goes with `application/x-www-form-urlencoded`. */
export function form(fields: readonly (readonly [string, string])[]): string {
  return new URLSearchParams(fields.map(([name, value]): [string, string] => [name, value])).toString();
}
