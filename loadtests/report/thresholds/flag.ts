/** `… abort` or `… abort after 30s` behind an expression. */
const abortPattern = /\s+abort(?:\s+after\s+(.*?))?\s*$/;

/** A threshold of a suite file or a flag: one text with its metric, or that and when it ends the run. */
export interface ThresholdObject {
  /** Metric and expression, such as `response_time: p(95)<500`. */
  readonly threshold: string;
  readonly abortOnFail?: boolean | undefined;
  /** As k6 takes it: `10s`, `1m30s`, or a number of ms. */
  readonly delayAbortEval?: string | number | undefined;
}

/** Splits what ends the run off a flag's text; the delay stands as it was written, `undefined` where none was. */
export function splitAbort(text: string): { readonly text: string; readonly abort?: { readonly delay: string | undefined } } {
  const match = abortPattern.exec(text);
  return match === null ? { text } : { text: text.slice(0, match.index), abort: { delay: match[1] } };
}

/** The flag's text for a threshold in k6's object form: `response_time: p(95)<500 abort after 30s`. */
export function thresholdFlagOf(rule: string | ThresholdObject): string {
  if (typeof rule === 'string') return rule;
  const delay = rule.delayAbortEval === undefined ? '' : ` after ${rule.delayAbortEval}`;
  return rule.abortOnFail === true ? `${rule.threshold} abort${delay}` : rule.threshold;
}
