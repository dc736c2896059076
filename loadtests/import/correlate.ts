import { camelName, Names, plainName } from './names.ts';
import type { Offer } from './offers.ts';
import { textOf } from './plan.ts';
import type { Part, Source, Take, Template } from './plan.ts';
import { isSecretByLook, isSecretField } from './secret-names.ts';
import { holdsSecret, looksSecret } from './secret-texts.ts';
import type { SecretBook } from './secrets.ts';
import { strengthOf } from './strength.ts';

/** One value of a request that may come from elsewhere. */
export interface Slot {
  /** Decoded. */
  readonly text: string;
  /** What it is: `postId`, `authorization`, a field's key. */
  readonly name: string;
  readonly kind: 'segment' | 'query' | 'header' | 'cookie' | 'json' | 'number' | 'form' | 'xml' | 'text';
  /** The name of a secret that it belongs to, whatever its own name: `password` for its `value`. */
  readonly of?: string | undefined;
}

/** Answers the holes of one value of a request. */
export type Fill = (slot: Slot) => Template;

/** A value that is carried: from which request's reply, and to which places. */
export interface Carried extends Take {
  readonly from: number;
  readonly uses: { readonly request: number; readonly place: string }[];
}

interface Offered extends Offer {
  readonly from: number;
  readonly endMs: number;
}

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
/** Values remembered over a recording; later ones are not carried. */
const offersMax = 500_000;
/** Clocks of browsers are this coarse. */
const slackMs = 50;
/** Longest run of boundaries within which a carried value is looked for. */
const boundariesMax = 24;

/**
 * Finds for each value of a request the reply it came from. A value must have been answered before it
 * is sent; one that says much by itself is found anywhere, also within a longer text, the longest
 * first; one that says little only where the names agree. What the client said first is its own.
 */
export class Correlator {
  readonly #secrets: SecretBook;
  readonly #offers = new Map<string, Offered[]>();
  readonly #sent = new Set<string>();
  readonly #ownIds = new Set<string>();
  readonly #names = new Names();
  readonly #carried = new Map<string, Carried>();
  #request = 0;
  #startMs = 0;
  #count = 0;

  constructor(secrets: SecretBook) {
    this.#secrets = secrets;
  }

  /** From here on slots belong to this request. @param startMs when it was sent */
  begin(request: number, startMs: number): void {
    this.#request = request;
    this.#startMs = startMs;
  }

  /** Takes in what the reply to a request holds. @param endMs when it had come */
  learn(request: number, endMs: number, offers: readonly Offer[]): void {
    for (const offer of offers) {
      const isCookie = offer.source.kind === 'cookie';
      if (this.#count >= offersMax || (!isCookie && (this.#sent.has(offer.value) || strengthOf(offer.value) === 'none'))) continue;
      this.#count++;
      const known = this.#offers.get(offer.value);
      const offered = { ...offer, from: request, endMs };
      if (known === undefined) this.#offers.set(offer.value, [offered]);
      else known.push(offered);
    }
  }

  /** What was carried, by the order in which it was first needed. */
  get carried(): Carried[] {
    return [...this.#carried.values()];
  }

  /** Names of the ids that the client made itself: they stay as recorded. */
  get ownIds(): string[] {
    return [...this.#ownIds];
  }

  /** The value with its holes. */
  fill(slot: Slot): Template {
    if (slot.text === '') return [];
    const whole = this.#wholeOf(slot);
    if (whole !== undefined) return [whole];
    const parts = slot.kind === 'number' ? textOf(slot.text) : this.#split(slot);
    return this.#hideRest(slot, parts);
  }

  #wholeOf(slot: Slot): Part | undefined {
    const secret = this.#secrets.find(slot.text);
    if (secret !== undefined) return { kind: 'secret', name: secret };
    const offers = this.#answered(slot.text);
    if (slot.kind === 'cookie') {
      const cookie = offers.findLast(({ source }) => source.kind === 'cookie' && source.cookie === slot.name && source.isDecoded !== true);
      if (cookie !== undefined) return this.#carry(cookie, slot);
    }
    const strength = strengthOf(slot.text);
    const chosen = strength === 'strong' ? (offers.find((offer) => agree(offer, slot.name)) ?? firstOf(offers)) : strength === 'weak' ? agreedOffer(offers, slot.name) : undefined;
    return chosen === undefined ? undefined : this.#carry(chosen, slot);
  }

  /** Offers of this value whose reply had come when the request was sent. */
  #answered(value: string): Offered[] {
    return (this.#offers.get(value) ?? []).filter(({ from, endMs }) => from < this.#request && endMs <= this.#startMs + slackMs);
  }

  /** Replaces what is carried or secret within a longer text. */
  #split(slot: Slot): Template {
    const parts: Part[] = [];
    let at = 0;
    for (const { from, to, part } of this.#findWithin(slot)) {
      if (from > at) parts.push({ kind: 'text', text: slot.text.slice(at, from) });
      parts.push(part);
      at = to;
    }
    if (at < slot.text.length) parts.push({ kind: 'text', text: slot.text.slice(at) });
    return parts;
  }

  /** The longest matches that do not overlap, in order. */
  #findWithin(slot: Slot): { from: number; to: number; part: Part }[] {
    const spans: { from: number; to: number; find: () => Part | undefined }[] = [];
    const cuts = boundariesOf(slot.text);
    cuts.forEach((from, index) => {
      for (const to of cuts.slice(index + 1, index + 1 + boundariesMax)) {
        const text = slot.text.slice(from, to);
        const secret = this.#secrets.findWithin(text);
        if (secret !== undefined) spans.push({ from, to, find: () => ({ kind: 'secret', name: secret }) });
        else if (this.#offers.has(text) && strengthOf(text) === 'strong') {
          const offer = firstOf(this.#answered(text));
          if (offer !== undefined) spans.push({ from, to, find: () => this.#carry(offer, slot) });
        }
      }
    });
    const kept: typeof spans = [];
    for (const span of spans.toSorted((a, b) => b.to - b.from - (a.to - a.from))) {
      if (kept.every(({ from, to }) => span.to <= from || span.from >= to)) kept.push(span);
    }
    return kept.toSorted((a, b) => a.from - b.from).flatMap(({ from, to, find }) => {
      const part = find();
      return part === undefined ? [] : [{ from, to, part }];
    });
  }

  /** Takes secrets out of what is left as recorded. */
  #hideRest(slot: Slot, parts: Template): Template {
    const isWhole = parts.length === 1 && parts[0]?.kind === 'text';
    const isSecret = isSecretSlot(slot);
    if (isWhole && isSecret) return this.#hideNamed(slot);
    return parts.map((part) => {
      if (part.kind !== 'text') return part;
      if (looksSecret(part.text) || (isSecret && saysMore(part.text))) return { kind: 'secret', name: this.#secrets.nameOf(part.text, bookName(slot)) };
      if (isWhole) this.#keep(part.text, slot);
      return part;
    });
  }

  #keep(text: string, slot: Slot): void {
    this.#sent.add(text);
    if (uuid.test(text)) this.#ownIds.add(slot.name);
  }

  /** An authorization keeps its scheme; of all else nothing is kept. */
  #hideNamed(slot: Slot): Template {
    const { text, name } = slot;
    const [, named, credentials] = /^(\w{1,20}) (.+)$/s.exec(text) ?? [];
    if (plainName(name).endsWith('authorization') && named !== undefined && credentials !== undefined && scheme.test(named)) {
      return [{ kind: 'text', text: `${named} ` }, { kind: 'secret', name: this.#secrets.nameOf(credentials, `${named} credentials`) }];
    }
    return [{ kind: 'secret', name: this.#secrets.nameOf(text, bookName(slot)) }];
  }

  #carry(offer: Offered, slot: Slot): Part {
    const key = `${offer.from} ${JSON.stringify(offer.source)}`;
    let carried = this.#carried.get(key);
    if (carried === undefined) {
      carried = { name: this.#names.take(camelName(this.#secrets.untold(offer.fullName, 'value'), 'value')), source: offer.source, from: offer.from, uses: [] };
      this.#carried.set(key, carried);
    }
    carried.uses.push({ request: this.#request, place: slot.kind === 'segment' ? 'path' : slot.kind === 'text' ? 'body' : `${placeOf[slot.kind]} ${slot.name}` });
    return { kind: 'carried', name: carried.name };
  }
}

const placeOf = { query: 'query', header: 'header', cookie: 'cookie', json: 'body', number: 'body', xml: 'body', form: 'form' } as const;

/** Whether nothing of a value may stand in the file. A segment's name is the word before it; what that says of it stands in `of`. */
function isSecretSlot({ kind, name, text, of }: Slot): boolean {
  if (of !== undefined || kind === 'cookie') return true;
  if (kind === 'segment') return /[=:{<[]/.test(text) && holdsSecret(text);
  return kind !== 'text' && (isSecretField(name) || isSecretByLook(name, text) || holdsSecret(text));
}

/** What a secret is called: its own name, after that of what it belongs to. */
function bookName({ name, of, kind }: Slot): string {
  const own = looksSecret(name) ? kind : name;
  return of === undefined || kind === 'segment' || plainName(of) === plainName(own) ? own : `${of} ${own}`;
}

const scheme = /^\s*(?:bearer|basic|token|jwt|api-?key|digest|negotiate|ntlm|hawk|dpop|oauth|scram|key)[\s:=]*$/i;

/** Whether what stands around a carried value of a secret name is more than a scheme or separators. */
const saysMore = (text: string): boolean => /[\p{L}\p{N}]/u.test(text) && !scheme.test(text);

/** Of one reply, the place nearest to its root: the earliest reply made the value. */
function firstOf(offers: readonly Offered[]): Offered | undefined {
  const earliest = offers[0];
  return offers.filter(({ from }) => from === earliest?.from).toSorted((a, b) => depthOf(a.source) - depthOf(b.source))[0];
}

const depthOf = (source: Source): number => (source.kind === 'json' ? source.path.length : 1);

function agree(offer: Offered, name: string): boolean {
  const wanted = plainName(name);
  const full = plainName(offer.fullName);
  return wanted === full || wanted === plainName(offer.name) || `${wanted}id` === full;
}

/** The one offer that can be meant: its name agrees, or it is the only thing with an id of this value. */
function agreedOffer(offers: readonly Offered[], name: string): Offered | undefined {
  const agreed = offers.find((offer) => agree(offer, name));
  if (agreed !== undefined) return agreed;
  const kinds = new Set(offers.map(({ fullName }) => plainName(fullName)));
  const only = kinds.size === 1 && plainName(name).endsWith('id') ? offers[0] : undefined;
  return only !== undefined && /(?:id|uuid|slug|key|code)$/.test(plainName(only.fullName)) ? only : undefined;
}

/** Where a value within a text may begin or end: at its ends and beside what is no letter or digit. */
function boundariesOf(text: string): number[] {
  const cuts = [0];
  for (let at = 1; at < text.length; at++) {
    if (!isWordCode(text.charCodeAt(at - 1)) || !isWordCode(text.charCodeAt(at))) cuts.push(at);
  }
  return text === '' ? cuts : [...cuts, text.length];
}

function isWordCode(code: number): boolean {
  return (code >= 48 && code <= 57) || (code >= 65 && code <= 90) || (code >= 97 && code <= 122);
}
