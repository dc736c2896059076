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
