import type { Summary } from '../../loadtests/report/summary-schema.ts';
import { atLeast, equals, note } from './check.ts';
import type { Check } from './check.ts';

/** Every acknowledged write is there once, and the ledger balances. */
export function auditChecks({ audit, verdict, exitCode, reasons }: Summary): Check[] {
  return [
    atLeast('audit: acknowledged writes', audit?.acknowledgedWrites ?? 0, 1),
    equals('audit: lost', audit?.lost, 0),
    equals('audit: duplicated', audit?.duplicated, 0),
    equals('audit: ledger balanced', audit?.ledgerBalanced, true),
    equals('audit: ended', audit?.incomplete ?? 'yes', 'yes'),
    note('audit: indeterminate (no reply came)', String(audit?.indeterminate)),
    note('verdict', `${verdict}, exit ${exitCode}${reasons.length === 0 ? '' : `: ${reasons.join('; ')}`}`),
  ];
}

/** `status 503 (feed) 240, ECONNRESET (ai) 3`, the most frequent first. */
export function describeErrors(errors: Summary['errors']): string {
  const shown = errors.toSorted((a, b) => b.count - a.count).slice(0, 6);
  return shown.map(({ kind, op, count }) => `${kind} (${op}) ${count}`).join(', ') || 'none';
}
