/** Floating-point numbers in decimal, digit for digit as Go's strconv writes them (rules: strconv.FormatFloat). */

/** Significant digits and the place of the point: the value is 0.DIGITS times ten to the `point`. */
interface Decimal {
  readonly digits: string;
  readonly point: number;
}

export type FloatVerb = 'e' | 'E' | 'f' | 'g' | 'G';

/**
 * Writes a float.
 * @param precision digits after the point (e, f) or significant digits (g); -1 is as many as identify the value
 */
export function formatFloat(value: number, verb: FloatVerb, precision: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  const sign = value < 0 || Object.is(value, -0) ? '-' : '';
  const size = Math.abs(value);
  return sign + formatSize(size, verb, precision);
}

function formatSize(size: number, verb: FloatVerb, precision: number): string {
  if (verb === 'f') {
    const decimal = precision < 0 ? shortest(size) : roundAfterPoint(size, precision);
    return fixed(decimal, precision < 0 ? Math.max(decimal.digits.length - decimal.point, 0) : precision);
  }
  if (verb === 'e' || verb === 'E') {
    const decimal = precision < 0 ? shortest(size) : roundSignificant(size, precision + 1);
    return scientific(decimal, precision < 0 ? Math.max(decimal.digits.length - 1, 0) : precision, verb);
  }
  return general(size, verb, precision);
}

/** The form with an exponent where that is below -4 or not below the precision (6 where there is none). */
function general(size: number, verb: 'g' | 'G', precision: number): string {
  const asked = precision === 0 ? 1 : precision;
  const decimal = asked < 0 ? shortest(size) : roundSignificant(size, asked);
  const { digits, point } = decimal;
  let limit = asked < 0 ? 6 : asked;
  if (asked > digits.length && digits.length >= point) limit = digits.length;
  const exponent = point - 1;
  if (exponent < -4 || exponent >= limit) return scientific(decimal, Math.max(digits.length - 1, 0), verb === 'g' ? 'e' : 'E');
  return fixed(decimal, Math.max(digits.length - point, 0));
}

function fixed({ digits, point }: Decimal, places: number): string {
  const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0';
  if (places === 0) return whole;
  const leading = '0'.repeat(Math.max(0, -point));
  return `${whole}.${(leading + digits.slice(Math.max(point, 0))).padEnd(places, '0').slice(0, places)}`;
}

function scientific({ digits, point }: Decimal, places: number, letter: string): string {
  const exponent = digits === '' ? 0 : point - 1;
  const fraction = places === 0 ? '' : `.${digits.slice(1).padEnd(places, '0').slice(0, places)}`;
  const size = String(Math.abs(exponent)).padStart(2, '0');
  return `${digits[0] ?? '0'}${fraction}${letter}${exponent < 0 ? '-' : '+'}${size}`;
}

/** The fewest digits that identify the value; JavaScript and Go agree on them. */
function shortest(size: number): Decimal {
  if (size === 0) return { digits: '', point: 0 };
  const [mantissa = '', exponent = '0'] = size.toExponential().split('e');
  return { digits: mantissa.replace('.', ''), point: Number(exponent) + 1 };
}

function roundSignificant(size: number, count: number): Decimal {
  return round(exactly(size), count);
}

function roundAfterPoint(size: number, places: number): Decimal {
  const exact = exactly(size);
  return round(exact, exact.point + places);
}

const view = new DataView(new ArrayBuffer(8));

/** Every digit of a double: it is a whole number times a power of two, so its decimal form ends. */
function exactly(size: number): Decimal {
  if (size === 0) return { digits: '', point: 0 };
  view.setFloat64(0, size);
  const bits = view.getBigUint64(0);
  const raw = Number((bits >> 52n) & 0x7ffn);
  const fraction = bits & 0xfffffffffffffn;
  const mantissa = raw === 0 ? fraction : fraction | 0x10000000000000n;
  const exponent = Math.max(raw, 1) - 1_075;
  const whole = exponent >= 0 ? mantissa << BigInt(exponent) : mantissa * 5n ** BigInt(-exponent);
  const text = String(whole);
  return { digits: text.replace(/0+$/, ''), point: text.length + Math.min(exponent, 0) };
}

/** Half to even, as Go rounds. */
function round({ digits, point }: Decimal, count: number): Decimal {
  if (count >= digits.length) return { digits, point };
  if (count < 0) return { digits: '', point: 0 };
  const kept = digits.slice(0, count);
  const next = digits[count] ?? '0';
  const isHalf = next === '5' && digits.length === count + 1;
  const isUp = isHalf ? count > 0 && Number(kept[count - 1]) % 2 === 1 : next >= '5';
  if (!isUp) return trimmed(kept, point);
  const raised = String(BigInt(kept === '' ? '0' : kept) + 1n).padStart(count, '0');
  return trimmed(raised, point + (raised.length - count));
}

function trimmed(digits: string, point: number): Decimal {
  const kept = digits.replace(/0+$/, '');
  return kept === '' ? { digits: '', point: 0 } : { digits: kept, point };
}
