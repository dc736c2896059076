/** One condition of a drill with what was found. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was measured, with its unit. */
  readonly measured: string;
  /** Comparator and limit, such as `<= 10 s`; '' for a note that judges nothing. */
  readonly limit: string;
}

const shown = (value: number, unit: string): string => `${Number(value.toFixed(value < 10 ? 2 : 1))}${unit === '' ? '' : ` ${unit}`}`;

export function atMost(name: string, measured: number, limit: number, unit = ''): Check {
  return { name, ok: measured <= limit, measured: shown(measured, unit), limit: `<= ${shown(limit, unit)}` };
}

export function atLeast(name: string, measured: number, limit: number, unit = ''): Check {
  return { name, ok: measured >= limit, measured: shown(measured, unit), limit: `>= ${shown(limit, unit)}` };
}

export function equals<Value extends string | number | boolean | null | undefined>(name: string, measured: Value, wanted: Value): Check {
  return { name, ok: measured === wanted, measured: String(measured), limit: `= ${String(wanted)}` };
}

/** Something that must hold, where no number says it. */
export function holds(name: string, ok: boolean, measured: string, limit: string): Check {
  return { name, ok, measured, limit };
}

/** A finding that helps to read the others. */
export function note(name: string, measured: string): Check {
  return { name, ok: true, measured, limit: '' };
}

/** `✓ audit lost  0 = 0`. */
export function renderCheck(check: Check, width: number): string {
  const sign = check.limit === '' ? '·' : check.ok ? '✓' : '✗';
  return `  ${sign} ${check.name.padEnd(width)}  ${check.measured}${check.limit === '' ? '' : `  ${check.limit}`}`;
}
