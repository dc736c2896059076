import { isSensitiveKey } from '../../ops/telemetry/redact.ts';
import { plainName, wordsOf } from './names.ts';
import { isWordy, looksRandom } from './wordy.ts';

/** What the names of values say of them: secret, perhaps secret, or only that a value is here. */

/** Longer words of a name are judged with the whole: `tokenCount` is none, `pin` of `user[pin]` is. */
const ownWordMax = 4;

/** Beside the rules of the logs, which must not take ids out of what is searched in. */
const alsoSecret =
  /^(?:pw|psw|psk|otc|[im]?tan|mdp)$|(?:user|new|old|current|login|account|db|smtp|admin|client|auth)pass$|pswd|passcode|passkey|^pin(?:code|number)$|kennwort|haslo|senha|contrasena|motdepasse|mnemonic|seedphrase|recoveryphrase|privkey|samlresponse|samlrequest|authentication$|sess(?:ion)?id|otp$|(?:security|verification|verify|confirm|confirmation|access|auth|authorization|login|signin|reset|recovery|backup|activation|invite|invitation|sms|mfa|2fa|factor|onetime|otp|device|user|unlock|oob)codes?$/;
/** Names of fields that say so; in running text they are words like others. */
const fieldOnly = /^(?:dpop|sid|sig|answers?|nonce|csrf|xsrf|hmac|assertion|ticket)$|^[xy]?[cx]srf|signature$|answers?$|captcha|turnstile|verifier$|sessionstate$|sessionkey$/;
const shortFields = new Set(['sid', 'sig', 'csrf', 'xsrf', 'hmac', 'nonce', 'pw']);
/** Names of what is secret in one application and a plain word in the next. */
const doubtful = new Set(
  ('code codes state session sess key hash ticket challenge verify verification invite invitation activation activate confirm confirmation recovery reset unlock proof relaystate magic link auth login ' +
    'sharekey share access licence license serial coupon voucher').split(' '),
);
const personal = /email|phone|mobile/;

/** Whether a name, or a short word of it, says that its value is a secret or personal. */
export function isSecretName(name: string): boolean {
  return isSecret(name) || wordsOf(name.slice(0, 256)).some((word) => word.length <= ownWordMax && isSecret(word));
}

const isSecret = (name: string): boolean => isSensitiveKey(name) || alsoSecret.test(plainName(name.slice(0, 256)));

/** Whether the name of a field says so; more names count than in running text. */
export function isSecretField(name: string): boolean {
  return isSecretName(name) || fieldOnly.test(plainName(name.slice(0, 256))) || wordsOf(name.slice(0, 256)).some((word) => shortFields.has(word.toLowerCase()));
}

/** Whether it is personal and no secret: a message may speak of an e-mail. */
export const isPersonalName = (name: string): boolean => personal.test(plainName(name)) && !isSecret(plainName(name).replaceAll(new RegExp(personal, 'g'), ''));

/** Whether a value that may be a secret by its name looks like one: random, or the digits of a code that was sent. */
export function isSecretByLook(name: string, text: string): boolean {
  const plain = plainName(name.replace(/^x-/i, ''));
  // Twelve words that open a wallet.
  if (/^seeds?$/.test(plain)) return /\S\s+\S/.test(text);
  if (!doubtful.has(plain)) return false;
  return looksRandom(text) || (/^codes?$/.test(plain) && /^\d{6,8}$/.test(text));
}

const valueKey = /^(?:\w*values?|val|v|data|contents?|text|answer|input|raw|plain(?:text)?|default|body|str(?:ing)?)$/;

/** Whether a key only says that here is a value, as in `{ name: 'password', value: '…' }`. */
export const isValueKey = (key: string): boolean => valueKey.test(plainName(key));

/** A text that is a name, and that of a secret. */
export const isSecretWord = (text: unknown): text is string => typeof text === 'string' && /^[\w .:/[\]-]{1,64}$/.test(text) && isSecretName(text);

/** Of values that stand beside each other, the name of a secret that one of them is: `password` in the example above. */
export function nameAmong(entries: readonly (readonly [key: string, value: unknown])[]): string | undefined {
  return entries.flatMap(([key, value]) => (!isValueKey(key) && isSecretWord(value) ? [value] : []))[0];
}

/** Tells of a key what secret its value belongs to. */
export type Owner = (key: string) => string | undefined;

const oauthSigns = new Set(['redirecturi', 'redirecturl', 'clientid', 'responsetype', 'granttype', 'codeverifier', 'codechallenge']);
/** How a code was sent or made, as `{ method: 'sms', code: … }` says. */
const codeWay = /^(?:sms|totp|otp|2fa|mfa|authenticator|backup[-_]?codes?)$/i;

/**
 * What the fields that stand beside each other say of each other: a value beside the name of a secret,
 * `code` and `state` of OAuth (RFC 6749, 4.1), which are plain words by themselves, and the code that
 * somebody signs in with.
 */
export function ownerAmong(entries: readonly (readonly [key: string, value: unknown])[]): Owner {
  const held = nameAmong(entries);
  const keys = [...new Set(entries.map(([key]) => plainName(key)))];
  const isOAuth = (keys.includes('code') && keys.includes('state')) || keys.some((key) => oauthSigns.has(key));
  const isSignIn = keys.some((key) => personal.test(key)) || entries.some(([, value]) => typeof value === 'string' && codeWay.test(value));
  return (key) => {
    const plain = plainName(key);
    if (isOAuth && (plain === 'code' || plain === 'state')) return 'oauth';
    return held !== undefined && isValueKey(key) ? held : isSignIn && plain === 'code' ? 'sign in' : undefined;
  };
}

/** Keys that say nothing, in a request that is about a secret. */
const bareSecret = /^(?:body|codes?|values?|val|input|raw|plain|old|new|current|previous|confirm|confirmation|repeat|again|key|hash|challenge|response|digits?)$/;

/** What secret a value of a request belongs to that is about it, as `PUT /users/7/password` is. @param place `secretPlaceOf` its path */
export function ownerByPlace(place: string | undefined, key: string, text: string): string | undefined {
  return bareSecret.test(plainName(key)) || (looksRandom(text) && !isUuid(text)) ? place : undefined;
}

/** Words of a path behind which a one-time key of somebody follows. */
const oneTime = new Set('reset verify verification confirm confirmation activate activation invite invites invitation invitations magic recover recovery unsubscribe unlock otp totp mfa 2fa tan'.split(' '));

/** Spaces of many things: `auth/v1/users`. */
const wide = /^(?:o?auth2?|sessions?|cookies?|(?:web)?hooks?)$/;
/** Words between the name of a secret and the secret. */
const between = new Set('account user link form code key email mail phone'.split(' '));

/** Whether a segment of a path names a secret: `reset-password`, `token`, `verify`. */
function isSecretPlace(segment: string): boolean {
  if (!isWordy(segment) || isPersonalName(segment)) return false;
  return !wide.test(plainName(segment)) && (isSecretName(segment) || plainName(segment) === 'tokens' || wordsOf(segment).some((word) => oneTime.has(word.toLowerCase())));
}

/** The secret that a path is about, by the last of its segments that names one; undefined for most paths. */
export const secretPlaceOf = (segments: readonly string[]): string | undefined => segments.findLast(isSecretPlace);

/** The name of the secret that a segment is, by those before it: what follows `reset-password` with a digit, or at random. */
export function ownerOfSegment(segments: readonly string[], index: number): string | undefined {
  const text = segments[index] ?? '';
  const place = secretPlaceOf(segments.slice(0, index));
  if (place === undefined) return segments.slice(0, index).some((segment) => wide.test(plainName(segment))) && !isUuid(text) && looksRandom(text) ? 'path' : undefined;
  const isNext = segments.slice(0, index).findLast((segment) => /^[a-z]/i.test(segment) && isWordy(segment) && !between.has(plainName(segment))) === place;
  if (looksRandom(text) ? isNext || !isUuid(text) : text.length >= 6 && /[a-z]/i.test(text) && !isWordy(text)) return place;
  const hasDigit = /\d/.test(text) && !/^(?:v\d+|oauth2|2fa)(?:[-_.]|$)/i.test(text);
  return isNext && hasDigit && (text.length >= 6 || /^\d{4,}$/.test(text)) ? place : undefined;
}

const isUuid = (text: string): boolean => /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
