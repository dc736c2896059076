const powers = Array.from({ length: 23 }, (_, exponent) => 10 ** exponent);
const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
const infinite = /^[+-]?inf(?:inity)?$/i;

/** The bytes as text where all are ASCII, which names, numbers and keywords are. */
export const asciiOf = (bytes: Buffer, from: number, to: number): string => bytes.toString('latin1', from, to);

/**
 * Reads a sample's value in `bytes[from, to)`: a decimal number, `NaN`, or `Inf` with or without a sign, as Go's
 * `ParseFloat` had them before hexadecimal ones.
 * @returns undefined where it is no number
 */
export function readNumber(bytes: Buffer, from: number, to: number): number | undefined {
  let at = from;
  const isNegative = bytes[at] === 0x2d;
  if (isNegative) at++;
  let mantissa = 0;
  let places = -1;
  const digitsFrom = at;
  for (; at < to; at++) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit >= 0 && digit <= 9) {
      mantissa = mantissa * 10 + digit;
      if (places >= 0) places++;
    } else if (digit === -2 && places < 0) {
      places = 0;
    } else {
      return readSlowly(bytes, from, to);
    }
  }
  const length = at - digitsFrom;
  // Up to 15 digits a division of two exact numbers is rounded once, and so rightly.
  if (length === 0 || length > 15 || (length === 1 && places === 0)) return readSlowly(bytes, from, to);
  const size = places > 0 ? mantissa / (powers[places] ?? 1) : mantissa;
  return isNegative ? -size : size;
}

function readSlowly(bytes: Buffer, from: number, to: number): number | undefined {
  const text = asciiOf(bytes, from, to);
  if (decimal.test(text)) {
    const value = Number(text);
    return Number.isFinite(value) ? value : undefined;
  }
  if (text.toLowerCase() === 'nan') return Number.NaN;
  if (infinite.test(text)) return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  return undefined;
}
