/** How much a value says by itself: whether two places that hold it must mean the same thing. */
export type Strength = 'none' | 'weak' | 'strong';

const lengthMin = 3;
const lengthMax = 4_096;
/** Words that stand in many places and mean different things. */
const commonWords = new Set(
  ('true false null undefined none nil nan yes no on off all any new old asc desc get put post patch delete web app ios android desktop mobile default active inactive enabled disabled ' +
    'pending open closed public private user users admin guest name type status list item items data home main test en de fr es it json html text id ok error success').split(' '),
);

/**
 * `none` for what is too short, too long or a common word; `strong` for what is unlikely to recur by
 * chance: 8 characters of letters and digits, 16 without blanks, or 9 digits; else `weak`.
 */
export function strengthOf(value: string): Strength {
  if (value.length < lengthMin || value.length > lengthMax || commonWords.has(value.toLowerCase())) return 'none';
  if (/\s/.test(value)) return 'weak';
  if (/^\d{4}-\d\d-\d\d$/.test(value)) return 'weak';
  if (/^\d+$/.test(value)) return value.length >= 9 ? 'strong' : 'weak';
  const hasBoth = /\d/.test(value) && /[A-Za-z]/.test(value);
  if (value.length >= 8 && hasBoth) return 'strong';
  // Long words of letters alone, such as `application/json` or `last-thirty-days`, are names of things.
  return value.length >= 16 && /[A-Z]/.test(value.slice(1)) && !/[/;, ]/.test(value) ? 'strong' : 'weak';
}
