import { Cookie, CookieJar, MemoryCookieStore } from 'tough-cookie';

/** Cookies of one user at most, as RFC 6265 asks for at least; the oldest give way. */
export const cookiesMax = 50;
/** A longer `set-cookie` line is left aside. */
const lineMaxChars = 4_096;
/** Kinds of cookies kept once for all users; further ones are kept with each user. */
const kindsMax = 10_000;

/** All of a cookie that users have in common. */
interface Kind {
  readonly key: string;
  readonly domain: string | null;
  readonly path: string | null;
  readonly secure: boolean;
  readonly httpOnly: boolean;
  readonly hostOnly: boolean | null;
  readonly sameSite: string | undefined;
}

/** A user's own part of a cookie. */
interface Held {
  readonly kind: Kind;
  readonly value: string;
  /** Infinity until the end of the run. */
  readonly expiresMs: number;
  readonly createdMs: number;
}

const done = (): void => undefined;

/**
 * The cookies of all users, by the rules of tough-cookie, whose jar of 2 kB is lent to one user at a
 * time. What stays with a user is a value, two times and a reference for each cookie; nothing for none.
 */
export class CookieShelf {
  readonly #store = new MemoryCookieStore();
  readonly #jar = new CookieJar(this.#store);
  readonly #held = new Map<number, readonly Held[]>();
  readonly #kinds = new Map<string, Kind>();
  readonly #nowMs: () => number;

  /** @param nowMs wall time */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  /** Users that hold any. */
  get users(): number {
    return this.#held.size;
  }

  forget(place: number): void {
    this.#held.delete(place);
  }

  /** The header line for a request, ended by CRLF; '' for none. */
  headerLine(place: number, url: URL): string {
    const held = this.#take(place);
    if (held.length === 0) return '';
    this.#lend(held);
    // Expired ones are out already, by our clock.
    const cookies = this.#jar.getCookiesSync(url.href, { expire: false, sort: true });
    return cookies.length === 0 ? '' : `cookie: ${cookies.map((cookie) => cookie.cookieString()).join('; ')}\r\n`;
  }

  /** Takes the `set-cookie` lines of a reply; those that break the rules are left aside. */
  learn(place: number, url: URL, lines: readonly string[]): void {
    this.#lend(this.#take(place));
    const now = new Date(this.#nowMs());
    for (const line of lines.slice(0, cookiesMax)) {
      if (line.length <= lineMaxChars) this.#jar.setCookieSync(line, url.href, { ignoreError: true, now });
    }
    let kept: Held[] = [];
    this.#store.getAllCookies((_error, cookies) => void (kept = (cookies ?? []).map((cookie) => this.#pack(cookie, now))));
    this.#put(place, kept);
  }

  /** What a user holds and has not expired. */
  #take(place: number): readonly Held[] {
    const held = this.#held.get(place);
    if (held === undefined) return [];
    const nowMs = this.#nowMs();
    if (held.every(({ expiresMs }) => expiresMs > nowMs)) return held;
    return this.#put(place, held);
  }

  #put(place: number, held: readonly Held[]): readonly Held[] {
    const nowMs = this.#nowMs();
    const kept = held.filter(({ expiresMs }) => expiresMs > nowMs).slice(-cookiesMax);
    if (kept.length === 0) this.#held.delete(place);
    else this.#held.set(place, kept);
    return kept;
  }

  #lend(held: readonly Held[]): void {
    this.#store.removeAllCookies(done);
    for (const { kind, value, expiresMs, createdMs } of held) {
      const expires = Number.isFinite(expiresMs) ? new Date(expiresMs) : null;
      this.#store.putCookie(new Cookie({ ...kind, value, expires, creation: new Date(createdMs) }), done);
    }
  }

  #pack(cookie: Cookie, now: Date): Held {
    const { key, domain, path, secure, httpOnly, hostOnly, sameSite, creation } = cookie;
    const createdMs = creation instanceof Date ? creation.getTime() : now.getTime();
    return { kind: this.#kindOf({ key, domain, path, secure, httpOnly, hostOnly, sameSite }), value: cookie.value, expiresMs: cookie.expiryTime(now) ?? Number.POSITIVE_INFINITY, createdMs };
  }

  #kindOf(kind: Kind): Kind {
    const name = JSON.stringify(kind);
    const known = this.#kinds.get(name);
    if (known !== undefined) return known;
    if (this.#kinds.size < kindsMax) this.#kinds.set(name, kind);
    return kind;
  }
}
