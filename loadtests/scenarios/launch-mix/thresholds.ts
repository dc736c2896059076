/**
 * What the launch mix must meet, in k6's syntax. The engine and the k6 suites both read this file, so
 * it imports nothing. Thresholds on `audit_…` need the audit, which only the engine's runs have.
 */
export const launchThresholds: Readonly<Record<string, readonly string[]>> = {
  response_time: ['p(95)<500'],
  http_req_failed: ['rate<0.001'],
  audit_lost: ['count<1'],
  audit_duplicated: ['count<1'],
  // See leastPerS: the flood alone is one operation in five seconds.
  operation_refused: ['rate<0.01'],
  'operation_refused{op:flood}': ['rate>0'],
};

/** Operations a second below which a threshold cannot be met, whatever the system does. */
export const leastPerS: Readonly<Record<string, number>> = { operation_refused: 30 };
