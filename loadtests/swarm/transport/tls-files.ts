import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';
import { invalidConfig, messageOf } from '../../../ops/core/error.ts';
import type { Host } from '../../../ops/core/host.ts';
import type { TlsMaterial } from './tls-wire.ts';

const pemBegin = '-----BEGIN';

/**
 * Puts the text of certificates and keys in place of their files.
 * @param folder what relative paths begin at
 * @throws SoraError `invalid_config` on a file that cannot be read, and on text that is no certificate or key
 */
export function loadTls(host: Host, material: TlsMaterial | undefined, folder: string): TlsMaterial | undefined {
  if (material === undefined) return undefined;
  const read = (name: 'ca' | 'cert' | 'key'): string | undefined => {
    const given = material[name];
    if (given === undefined || given.includes(pemBegin)) return given;
    const path = resolve(folder, given);
    if (!host.files.exists(path)) throw invalidConfig(`tls.${name}: there is no file ${path}`, `give the PEM file's path, such as --tls-${name} ./${name}.pem`);
    return host.files.readText(path);
  };
  const [ca, cert, key] = [read('ca'), read('cert'), read('key')];
  if ((cert === undefined) !== (key === undefined)) {
    throw invalidConfig(`tls.${cert === undefined ? 'key' : 'cert'} is given without tls.${cert === undefined ? 'cert' : 'key'}`, 'a client certificate needs both: --tls-cert and --tls-key');
  }
  try {
    createSecureContext({ ca, cert, key });
  } catch (error) {
    throw invalidConfig(`tls: the certificates cannot be used: ${messageOf(error)}`, 'give PEM text or files; the key must belong to the certificate', error);
  }
  return { ...material, ca, cert, key };
}
