import { argon2, timingSafeEqual, type Argon2Parameters } from 'node:crypto';
import { promisify } from 'node:util';
import type { Random } from '../../ops/core/host.ts';
import { overloaded } from '../platform/problem.ts';

/** OWASP's second choice for argon2id: 19 MiB, two passes, one lane; 33 ms here, off the main thread. */
const parameters = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const;
const saltBytes = 16;

const argon2Async = promisify(argon2);

const derive = (password: string, nonce: Buffer, costs: { memory: number; passes: number; parallelism: number; tagLength: number }): Promise<Buffer> =>
  argon2Async('argon2id', { message: password, nonce, ...costs } satisfies Argon2Parameters);

const unpadded = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');

/** Hashes a password to the PHC form `$argon2id$v=19$m=19456,t=2,p=1$salt$hash`. */
export async function hashPassword(random: Random, password: string): Promise<string> {
  const nonce = random.bytes(saltBytes);
  const tag = await derive(password, nonce, parameters);
  const { memory, passes, parallelism } = parameters;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(nonce)}$${unpadded(tag)}`;
}

const phc = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** Whether `password` is the one that was hashed; false for a malformed hash. */
export async function verifyPassword(hash: string, password: string): Promise<boolean> {
  const match = phc.exec(hash);
  if (match === null) return false;
  const [, memory, passes, parallelism, salt = '', tag = ''] = match;
  const expected = Buffer.from(tag, 'base64');
  const costs = { memory: Number(memory), passes: Number(passes), parallelism: Number(parallelism), tagLength: expected.length };
  return timingSafeEqual(await derive(password, Buffer.from(salt, 'base64'), costs), expected);
}

/** Runs at most `runningMax` at once; refuses with 503 beyond `waitingMax` waiting. */
export class Bounded {
  readonly #runningMax: number;
  readonly #waitingMax: number;
  #running = 0;
  #waiting: (() => void)[] = [];

  constructor(runningMax: number, waitingMax: number) {
    this.#runningMax = runningMax;
    this.#waitingMax = waitingMax;
  }

  /** @throws Problem 503 when `waitingMax` are waiting already */
  async run<Result>(work: () => Promise<Result>): Promise<Result> {
    if (this.#running >= this.#runningMax) {
      if (this.#waiting.length >= this.#waitingMax) throw overloaded(`${this.#waitingMax} password checks are waiting already`, 2);
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    } else {
      this.#running++;
    }
    try {
      return await work();
    } finally {
      // The place passes on to the next in line, if there is one.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running--;
      else next();
    }
  }
}
