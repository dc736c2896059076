import type { HttpReply } from './scenario.ts';

/** A complete reply. Headers are parsed when somebody asks; most journeys never do. */
export class Reply implements HttpReply {
  readonly status: number;
  readonly body: Buffer;
  readonly #head: string;
  #headers: Readonly<Record<string, string>> | undefined;
  #json: { readonly value: unknown } | undefined;

  /** @param head the header lines as they came, without the status line */
  constructor(status: number, head: string, body: Buffer) {
    this.status = status;
    this.#head = head;
    this.body = body;
  }

  /** By lower-case name; lines of the same name are joined with `, `. */
  get headers(): Readonly<Record<string, string>> {
    this.#headers ??= parseHeaders(this.#head);
    return this.#headers;
  }

  /** The `set-cookie` lines, which must not be joined. */
  get setCookies(): readonly string[] {
    return Array.from(this.#head.matchAll(/^set-cookie:[ \t]*(.*)$/gim), ([, value]) => value ?? '');
  }

  /** The codings of the body, outermost last; '' where it has none. */
  get contentEncoding(): string {
    return /^content-encoding:[ \t]*(.*)$/im.exec(this.#head)?.[1]?.trim().toLowerCase() ?? '';
  }

  /** The same reply with another body: the inflated one. */
  withBody(body: Buffer): Reply {
    return new Reply(this.status, this.#head, body);
  }

  /** The same reply, to be told from a redirect that nobody asked to follow. */
  asLastRedirect(followed: number): LastRedirect {
    return new LastRedirect(this.status, this.#head, this.body, followed);
  }

  json<T>(): T {
    this.#json ??= { value: JSON.parse(this.body.toString('utf8')) };
    return this.#json.value as T;
  }
}

/** A redirect that was not followed, since as many had been as the request allows. */
export class LastRedirect extends Reply {
  readonly followed: number;

  constructor(status: number, head: string, body: Buffer, followed: number) {
    super(status, head, body);
    this.followed = followed;
  }
}

function parseHeaders(head: string): Record<string, string> {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const line of head.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers[name];
    headers[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return headers;
}
