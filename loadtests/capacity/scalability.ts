/**
 * The Universal Scalability Law: throughput X(N) = λN / (1 + σ(N − 1) + κN(N − 1)) of N concurrent
 * operations, with λ the throughput of one, σ the share that waits in line (contention) and κ the cost
 * of keeping each other informed (coherency). N. J. Gunther, "A General Theory of Computational
 * Scalability Based on Rational Functions", 2008 (arXiv:0808.1431).
 */

export interface Law {
  /** Operations a second of one alone. */
  readonly lambda: number;
  /** 0 to 1. */
  readonly sigma: number;
  /** 0 to 1. */
  readonly kappa: number;
}

/** One measured pair; concurrency by Little's law. */
export interface Point {
  readonly concurrency: number;
  readonly throughputPerS: number;
}

/** Operations a second at a concurrency. */
export function throughputAt({ lambda, sigma, kappa }: Law, concurrency: number): number {
  return (lambda * concurrency) / loss(sigma, kappa, concurrency);
}

/** 1 + σ(N − 1) + κN(N − 1), kept above 0 below a concurrency of 1. */
const loss = (sigma: number, kappa: number, n: number): number => Math.max(1e-9, 1 + sigma * (n - 1) + kappa * n * (n - 1));

/**
 * The most throughput there can be: at N = √((1 − σ)/κ), or the asymptote λ/σ without coherency cost
 * (its concurrency is then Infinity); undefined where throughput grows without end.
 */
export function peakOf(law: Law): Point | undefined {
  const { lambda, sigma, kappa } = law;
  if (kappa > 0) {
    const concurrency = Math.max(1, Math.sqrt((1 - sigma) / kappa));
    return { concurrency, throughputPerS: throughputAt(law, concurrency) };
  }
  return sigma > 0 ? { concurrency: Number.POSITIVE_INFINITY, throughputPerS: lambda / sigma } : undefined;
}

/**
 * The knee: where the straight line of a system without loss, λN, meets the ceiling. More
 * concurrency buys mostly waiting (asymptotic bounds: Lazowska and others, "Quantitative System
 * Performance", 1984, chapter 5).
 */
export function kneeOf(law: Law): Point | undefined {
  const peak = peakOf(law);
  if (peak === undefined) return undefined;
  const concurrency = peak.throughputPerS / law.lambda;
  return { concurrency, throughputPerS: throughputAt(law, concurrency) };
}

/** Share of the variance of throughput that the law explains; 1 is all of it. */
export function explainedRatio(law: Law, points: readonly Point[]): number {
  const mean = points.reduce((sum, { throughputPerS }) => sum + throughputPerS, 0) / points.length;
  const spread = points.reduce((sum, { throughputPerS }) => sum + (throughputPerS - mean) ** 2, 0);
  return spread === 0 ? 0 : 1 - squaresOf(law, points) / spread;
}

const squaresOf = (law: Law, points: readonly Point[]): number =>
  points.reduce((sum, { concurrency, throughputPerS }) => sum + (throughputPerS - throughputAt(law, concurrency)) ** 2, 0);

/** Where σ and κ begin: a fit from one start may end in a poor valley, one from several rarely does. */
const starts: readonly (readonly [number, number])[] = [[0.01, 0], [0.01, 1e-5], [0.05, 1e-3], [0.3, 0], [0.3, 1e-2], [0, 1e-4]];

/**
 * Fits the law by non-linear least squares on throughput, within λ > 0 and 0 ≤ σ, κ ≤ 1.
 * @param points at least 3 of positive concurrency and throughput
 * @param near a law of nearly the same points: the fit then begins there and from one other start only
 */
export function fitLaw(points: readonly Point[], near?: Law): Law {
  const steepest = Math.max(...points.map(({ concurrency, throughputPerS }) => throughputPerS / concurrency));
  const begun = (near === undefined ? starts : starts.slice(0, 1)).map(([sigma, kappa]): Law => ({ lambda: steepest, sigma, kappa }));
  const fits = [...(near === undefined ? [] : [near]), ...begun].map((law) => descend(law, points));
  return fits.reduce((best, law) => (squaresOf(law, points) < squaresOf(best, points) ? law : best));
}

const roundsMax = 200;

/** Levenberg-Marquardt with Marquardt's scaling; a parameter at its bound is held while it would leave. */
function descend(start: Law, points: readonly Point[]): Law {
  let law = start;
  let squares = squaresOf(law, points);
  let damping = 1e-3;
  for (let round = 0; round < roundsMax && damping < 1e12; round += 1) {
    const next = clamp(law, stepFrom(law, points, damping));
    const nextSquares = squaresOf(next, points);
    if (nextSquares < squares) {
      const gained = squares - nextSquares;
      law = next;
      squares = nextSquares;
      damping = Math.max(1e-12, damping / 4);
      if (gained <= squares * 1e-14) break;
    } else damping *= 4;
  }
  return law;
}

const lambdaLeast = 1e-9;

function clamp({ lambda, sigma, kappa }: Law, [dLambda, dSigma, dKappa]: Triple): Law {
  const within = (value: number): number => Math.min(1, Math.max(0, value));
  return { lambda: Math.max(lambdaLeast, lambda + dLambda), sigma: within(sigma + dSigma), kappa: within(kappa + dKappa) };
}

type Triple = [number, number, number];

/** Solves (JᵀJ + μ diag(JᵀJ)) d = Jᵀr over the parameters that are free to move. */
function stepFrom(law: Law, points: readonly Point[], damping: number): Triple {
  const normal: [Triple, Triple, Triple] = [[0, 0, 0], [0, 0, 0], [0, 0, 0]];
  const right: Triple = [0, 0, 0];
  for (const { concurrency: n, throughputPerS } of points) {
    const under = loss(law.sigma, law.kappa, n);
    const value = (law.lambda * n) / under;
    const slope: Triple = [n / under, (-value * (n - 1)) / under, (-value * n * (n - 1)) / under];
    for (const row of indices) {
      right[row] += slope[row] * (throughputPerS - value);
      for (const column of indices) normal[row][column] += slope[row] * slope[column];
    }
  }
  const held = indices.filter((index) => index > 0 && isHeld(index === 1 ? law.sigma : law.kappa, right[index]));
  for (const row of indices) {
    if (held.includes(row)) {
      for (const column of indices) normal[row][column] = normal[column][row] = row === column ? 1 : 0;
      right[row] = 0;
    } else normal[row][row] = normal[row][row] * (1 + damping) + 1e-300;
  }
  return solve(normal, right);
}

const indices = [0, 1, 2] as const;
const isHeld = (value: number, pull: number): boolean => (value <= 0 && pull < 0) || (value >= 1 && pull > 0);

/** Cramer's rule; no step where the system has no single solution. */
function solve([a, b, c]: readonly [Triple, Triple, Triple], right: Triple): Triple {
  const whole = determinant(a, b, c);
  if (whole === 0 || !Number.isFinite(whole)) return [0, 0, 0];
  const replaced = (column: 0 | 1 | 2): number => {
    const rows = ([a, b, c] as const).map((row, index) => row.map((value, at) => (at === column ? (right[index] ?? 0) : value)) as Triple) as [Triple, Triple, Triple];
    return determinant(...rows) / whole;
  };
  return [replaced(0), replaced(1), replaced(2)];
}

const determinant = (a: Triple, b: Triple, c: Triple): number =>
  a[0] * (b[1] * c[2] - b[2] * c[1]) - a[1] * (b[0] * c[2] - b[2] * c[0]) + a[2] * (b[0] * c[1] - b[1] * c[0]);
