/**
 * What a page must feel like, in k6's syntax: the limits of "good" at the 75th percentile that
 * https://web.dev/articles/vitals gives (LCP, INP, CLS) and its articles on FCP and TTFB.
 */
export const vitalThresholds: Readonly<Record<string, readonly string[]>> = {
  browser_web_vital_lcp: ['p(75)<2500'],
  browser_web_vital_fcp: ['p(75)<1800'],
  browser_web_vital_ttfb: ['p(75)<800'],
  // A page tells these only when something shifted, or when something slow was clicked.
  browser_web_vital_cls: ['p(75)<0.1'],
  browser_web_vital_inp: ['p(75)<200'],
  browser_journey_failed: ['rate<0.01'],
};

/** Vitals without a sample are good ones: there was nothing to tell. */
export const silentWhenGood: readonly string[] = ['browser_web_vital_cls', 'browser_web_vital_inp'];
