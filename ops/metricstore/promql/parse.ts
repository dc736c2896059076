import type { Expr } from './expr.ts';
import { Source } from './syntax.ts';
import { buildTree } from './tree.ts';

/**
 * Parses a PromQL expression of Prometheus 3.x, experimental functions included, and checks its types.
 * @throws SoraError `bad_data` (HTTP 400) with line and column, such as `1:6: parse error: unexpected ")"`
 */
export function parsePromql(text: string): Expr {
  return buildTree(new Source(text));
}
