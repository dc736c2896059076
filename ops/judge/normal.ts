/** The standard normal distribution to about 1e-14, which the usual library approximations (1e-7) are not. */

const sqrt2 = Math.SQRT2;
const sqrtPi = Math.sqrt(Math.PI);
/** From here on the continued fraction converges faster than the series. */
const seriesUntil = 2;
const termsMax = 500;

/** P(Z <= z). */
export function normalCdf(z: number): number {
  if (Number.isNaN(z)) return Number.NaN;
  return z < 0 ? upperTail(-z) : 1 - upperTail(z);
}

/** P(Z > z): keeps its digits where `1 - normalCdf(z)` has none left. */
export function normalTail(z: number): number {
  if (Number.isNaN(z)) return Number.NaN;
  return z < 0 ? 1 - upperTail(-z) : upperTail(z);
}

/** P(Z > z) of z >= 0. */
function upperTail(z: number): number {
  const x = z / sqrt2;
  if (x < seriesUntil) return (1 - erfSeries(x)) / 2;
  return x > 40 ? 0 : erfcFraction(x) / 2;
}

/** erf by its series around 0 (Abramowitz and Stegun 7.1.6), of which all terms are positive. */
function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < termsMax && term > sum * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / sqrtPi) * Math.exp(-x * x) * sum;
}

/** erfc by its continued fraction (Abramowitz and Stegun 7.1.14), by Lentz's method. */
function erfcFraction(x: number): number {
  const tiny = 1e-300;
  let value = x;
  let c = x;
  let d = 0;
  for (let n = 1; n < termsMax; n++) {
    d = 1 / Math.max(tiny, x + (n / 2) * d);
    c = Math.max(tiny, x + n / 2 / c);
    const step = c * d;
    value *= step;
    if (Math.abs(step - 1) < 1e-16) break;
  }
  return Math.exp(-x * x) / (sqrtPi * value);
}

/**
 * The z below which a share `p` lies: the starting value of Abramowitz and Stegun 26.2.23 (error below 4.5e-4),
 * then Halley's method on the distribution itself.
 * @param p in [0, 1]; 0 and 1 give minus and plus infinity, anything else NaN
 */
export function normalQuantile(p: number): number {
  if (!(p >= 0 && p <= 1)) return Number.NaN;
  if (p === 0 || p === 1) return p === 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  const tail = Math.min(p, 1 - p);
  const t = Math.sqrt(-2 * Math.log(tail));
  let z = t - (2.515517 + t * (0.802853 + t * 0.010328)) / (1 + t * (1.432788 + t * (0.189269 + t * 0.001308)));
  for (let round = 0; round < 4; round++) {
    const error = (upperTail(Math.max(0, z)) - tail) / (Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI));
    z += error / (1 - (z * error) / 2);
  }
  return p < 0.5 ? -z : z;
}
