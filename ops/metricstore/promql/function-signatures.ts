/** What each function takes and gives: https://prometheus.io/docs/prometheus/latest/querying/functions/ */
import type { ValueType } from './expr.ts';

export interface FunctionSignature {
  readonly args: readonly ValueType[];
  /** How many of the last arguments may be missing; -1 lets the last be given any number of times, or not at all. */
  readonly variadic: number;
  readonly returns: ValueType;
}

const signatures = new Map<string, FunctionSignature>();

function define(names: string, args: readonly ValueType[], returns: ValueType, variadic = 0): void {
  for (const name of names.split(' ')) signatures.set(name, { args, variadic, returns });
}

define('abs ceil floor exp sqrt ln log2 log10 sgn sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh deg rad', ['vector'], 'vector');
define('absent sort sort_desc timestamp', ['vector'], 'vector');
define('sort_by_label sort_by_label_desc', ['vector', 'string'], 'vector', -1);
define('clamp', ['vector', 'scalar', 'scalar'], 'vector');
define('clamp_max clamp_min', ['vector', 'scalar'], 'vector');
define('round', ['vector', 'scalar'], 'vector', 1);
define('minute hour day_of_month day_of_week day_of_year days_in_month month year', ['vector'], 'vector', 1);
define('rate increase delta irate idelta deriv changes resets absent_over_time present_over_time', ['matrix'], 'vector');
define('sum_over_time avg_over_time min_over_time max_over_time count_over_time last_over_time first_over_time', ['matrix'], 'vector');
define('stddev_over_time stdvar_over_time mad_over_time', ['matrix'], 'vector');
define('ts_of_first_over_time ts_of_last_over_time ts_of_max_over_time ts_of_min_over_time', ['matrix'], 'vector');
define('quantile_over_time', ['scalar', 'matrix'], 'vector');
define('predict_linear', ['matrix', 'scalar'], 'vector');
define('double_exponential_smoothing', ['matrix', 'scalar', 'scalar'], 'vector');
define('histogram_quantile', ['scalar', 'vector'], 'vector');
define('histogram_quantiles', ['vector', 'string', 'scalar', 'scalar'], 'vector', -1);
define('histogram_fraction', ['scalar', 'scalar', 'vector'], 'vector');
define('histogram_avg histogram_count histogram_sum histogram_stddev histogram_stdvar', ['vector'], 'vector');
define('label_replace', ['vector', 'string', 'string', 'string', 'string'], 'vector');
define('label_join', ['vector', 'string', 'string', 'string'], 'vector', -1);
define('scalar', ['vector'], 'scalar');
define('vector', ['scalar'], 'vector');
define('time pi start end step range', [], 'scalar');
define('min_of max_of', ['scalar', 'scalar'], 'scalar');
define('info', ['vector', 'vector'], 'vector', 1);

/** The signature of a function; undefined when there is none of that name. */
export const signatureOf = (name: string): FunctionSignature | undefined => signatures.get(name);

/** The names of all functions, for messages and completion. */
export const functionNames = (): string[] => [...signatures.keys()].sort();
