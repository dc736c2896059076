/** Checks that tell numbers that name a card or a person from numbers that merely look so. */

/** The Luhn check over a string of digits. */
export function passesLuhn(digits: string): boolean {
  let sum = 0;
  for (let index = 0; index < digits.length; index++) {
    const digit = digits.charCodeAt(digits.length - 1 - index) - 48;
    const doubled = index % 2 === 1 ? digit * 2 : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 === 0;
}

/** First digits and lengths of card numbers, by issuer. */
const issuers: readonly { readonly prefix: RegExp; readonly lengths: readonly number[] }[] = [
  { prefix: /^4/, lengths: [13, 16, 19] }, // Visa
  { prefix: /^(?:5[1-5]|222[1-9]|22[3-9]|2[3-6]|27[01]|2720)/, lengths: [16] }, // Mastercard
  { prefix: /^3[47]/, lengths: [15] }, // American Express
  { prefix: /^(?:6011|64[4-9]|65)/, lengths: [16, 17, 18, 19] }, // Discover
  { prefix: /^(?:30[0-5]|3[689])/, lengths: [14, 15, 16, 17, 18, 19] }, // Diners Club
  { prefix: /^35(?:2[89]|[3-8])/, lengths: [16, 17, 18, 19] }, // JCB
  { prefix: /^62/, lengths: [16, 17, 18, 19] }, // UnionPay
  { prefix: /^220[0-4]/, lengths: [16, 17, 18, 19] }, // Mir
  { prefix: /^(?:5018|5020|5038|5893|6304|6759|676[1-3])/, lengths: [13, 14, 15, 16, 17, 18, 19] }, // Maestro
];

/** True for 13 to 19 digits with an issuer's prefix and length and a right check digit. */
export function isCardNumber(digits: string): boolean {
  const hasIssuer = issuers.some(({ prefix, lengths }) => lengths.includes(digits.length) && prefix.test(digits));
  return hasIssuer && passesLuhn(digits);
}

/**
 * Where card numbers lie in digit groups, as [first group, last group]: `12 4111 1111 1111 1111`
 * holds one in groups 1 to 4. A number begins and ends where a group does.
 */
export function findCards(groups: readonly string[]): (readonly [number, number])[] {
  const found: (readonly [number, number])[] = [];
  for (let first = 0; first < groups.length; first++) {
    let digits = '';
    for (let last = first; last < groups.length && digits.length < 19; last++) {
      digits += groups[last] ?? '';
      if (digits.length < 13 || digits.length > 19 || !isCardNumber(digits)) continue;
      found.push([first, last]);
      first = last;
      break;
    }
  }
  return found;
}

/** German tax id: 11 digits, one digit twice or thrice among the first ten, ISO 7064 MOD 11,10 check digit. */
export function isSteuerId(digits: string): boolean {
  if (digits.length !== 11 || digits.startsWith('0')) return false;
  const counts = Array.from({ length: 10 }, () => 0);
  let product = 10;
  for (const character of digits.slice(0, 10)) {
    const digit = Number(character);
    counts[digit] = (counts[digit] ?? 0) + 1;
    const sum = (digit + product) % 10 || 10;
    product = (sum * 2) % 11;
  }
  const repeated = counts.filter((count) => count > 1);
  if (repeated.length !== 1 || (repeated[0] ?? 0) > 3) return false;
  return (11 - product) % 10 === Number(digits[10]);
}

/** Spanish DNI (8 digits) or NIE (X, Y or Z and 7 digits) with its check letter. */
export function isDni(text: string): boolean {
  const match = /^([XYZ]?)(\d{7,8})([A-Z])$/.exec(text.toUpperCase().replaceAll('-', ''));
  if (match === null) return false;
  const [, lead = '', digits = '', letter] = match;
  const number = Number((lead === '' ? '' : String('XYZ'.indexOf(lead))) + digits);
  const isWhole = digits.length === (lead === '' ? 8 : 7);
  return isWhole && 'TRWAGMYFPDXBNJZSQVHLCKE'[number % 23] === letter;
}
