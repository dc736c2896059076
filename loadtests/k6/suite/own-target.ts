/**
 * The guard of targets where k6 is started by hand: this machine, or a host that is listed. It judges the host as it is
 * written, since k6 resolves names by itself; `sora load k6` judges and pins addresses besides.
 * @param name of the variable, for the message
 * @param staging hosts, separated by commas
 * @returns the address without a slash at its end
 */
export function requireOwn(name: string, address: string, staging: string): string {
  // A pattern, as k6's runtime need not have URL. What stands before an @ is no host.
  const [, host] = /^https?:\/\/(\[[\da-f:.]+\]|[\w.-]+)(?::\d{1,5})?\/?$/i.exec(address) ?? [];
  if (host === undefined) throw new Error(`${name}="${address.slice(0, 200)}" is no http or https address of a host and a port, such as http://127.0.0.1:3000`);
  const plain = host.toLowerCase().replace(/^\[|\]$/g, '');
  const listed = readListed(staging);
  if (plain === 'localhost' || plain === '::1' || /^127(?:\.\d{1,3}){3}$/.test(plain) || listed.includes(plain)) return address.replace(/\/$/, '');
  throw new Error(`${name} names ${plain}, which is not this machine; if it is yours to load, list it: SORA_STAGING=${plain}`);
}

/** Names and addresses alone: whatever else is written there would match no target, or more than was meant. */
function readListed(staging: string): string[] {
  const entries = staging.split(',').map((each) => each.trim().toLowerCase()).filter((each) => each !== '');
  for (const entry of entries) {
    if (!/^(?:\[?[\da-f:.]+\]?|[\w.-]+)$/.test(entry) || /^[^:]*:\d*$/.test(entry)) {
      throw new Error(`SORA_STAGING lists "${entry.slice(0, 200)}", which is no host: write names and addresses alone, without scheme, port, path or range, such as staging.example.test,10.1.2.3`);
    }
  }
  return entries.map((each) => each.replace(/^\[|\]$/g, ''));
}
