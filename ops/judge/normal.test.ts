import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalCdf, normalQuantile, normalTail } from './normal.ts';
import { incompleteBeta, logGamma, studentCdf, studentQuantile } from './student.ts';

/** To so many parts of the value, which absolute nearness would not ask of tails. */
const near = (found: number, wanted: number, relative = 1e-9): void => expect(Math.abs(found / wanted - 1)).toBeLessThan(relative);

// Reference values of these tests: SciPy 1.17.1 (scipy.stats.norm, scipy.stats.t, scipy.special).
describe('the normal distribution', () => {
  it.each([
    [-8, 6.22096057427174e-16], [-3.1, 0.0009676032132183563], [-1.96, 0.024997895148220435], [-0.3, 0.3820885778110474], [0.7, 0.758036347776927],
    [2.5, 0.9937903346742238], [6, 0.9999999990134123],
  ])('P(Z <= %d)', (z, wanted) => near(normalCdf(z), wanted));

  it.each([[1, 0.15865525393145707], [5, 2.866515718791933e-7], [9, 1.1285884059538324e-19], [20, 2.7536241186061556e-89]])('P(Z > %d) far out', (z, wanted) =>
    near(normalTail(z), wanted));

  it.each([
    [1e-12, -7.034483825301131], [0.001, -3.090232306167813], [0.01, -2.3263478740408408], [0.3, -0.5244005127080409], [0.975, 1.959963984540054],
    [0.99, 2.3263478740408408], [0.9999, 3.719016485455709],
  ])('the quantile of %d', (p, wanted) => near(normalQuantile(p), wanted));

  it('has quantiles that undo it, and a mirror', () => {
    fc.assert(fc.property(fc.double({ min: 1e-9, max: 1 - 1e-9, noNaN: true }), (p) => {
      near(normalCdf(normalQuantile(p)), p, 1e-10);
      expect(normalCdf(-1.3) + normalCdf(1.3)).toBeCloseTo(1, 14);
    }));
    expect(normalQuantile(0)).toBe(Number.NEGATIVE_INFINITY);
    expect(normalQuantile(1)).toBe(Number.POSITIVE_INFINITY);
    expect(normalQuantile(1.5)).toBeNaN();
    expect(normalCdf(0)).toBe(0.5);
  });
});

describe('Student’s distribution', () => {
  it.each([
    [0.5, 1, 0.6475836176504333], [-2.1, 4, 0.05182664315880109], [3.3, 7.5, 0.9940541827188694], [10, 30, 0.9999999999771237], [1.2, 200, 0.884220565484467],
  ])('P(T <= %d) with %d degrees of freedom', (t, degrees, wanted) => near(studentCdf(t, degrees), wanted));

  it.each([[0.975, 4, 2.7764451051977934], [0.99, 4, 3.746947387979196], [0.995, 9, 3.249835541592126], [0.9, 1, 3.0776835371752544], [0.01, 12, -2.680997993120915]])(
    'the quantile of %d with %d degrees of freedom', (p, degrees, wanted) => near(studentQuantile(p, degrees), wanted));

  it.each([[0.1, 2.252712651734206], [0.5, 0.5723649429247], [1.5, -0.12078223763524526], [10, 12.801827480081469], [171.3, 708.1149470389971], [1e5, 1051287.7089736569]])(
    'ln Γ(%d)', (x, wanted) => near(logGamma(x), wanted));

  it.each([[0.2, 2, 3, 0.1808], [0.9, 0.5, 0.5, 0.7951672353008665], [0.01, 10, 2, 1.09e-19], [0.5, 100, 101, 0.5281742395046283]])(
    'I_%d(%d, %d)', (x, a, b, wanted) => near(incompleteBeta(x, a, b), wanted));
});
