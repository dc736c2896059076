/** Process exit codes, after k6 (errext/exitcodes); 98 is ours for a measurement that proves nothing. */
export const exitCodes = {
  pass: 0,
  generic: 1,
  insufficient: 98,
  thresholdsFailed: 99,
  invalidConfig: 104,
  interrupted: 105,
  scenarioError: 107,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface SoraErrorOptions {
  /** What the reader should do next, as a sentence or a command. */
  readonly hint?: string;
  /** Exit code when this error ends a command. Default 1. */
  readonly exitCode?: ExitCode;
  /** HTTP status when this error ends a request. Default 500. */
  readonly status?: number;
  readonly cause?: unknown;
}

/**
 * The base of every error we throw on purpose: `code` is stable and in snake_case, `message` names
 * the value found and the limit, `hint` the next step.
 */
export class SoraError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;
  readonly status: number;

  constructor(code: string, message: string, options: SoraErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SoraError';
    this.code = code;
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? exitCodes.generic;
    this.status = options.status ?? 500;
  }
}

/** An error found before anything ran: a flag, a file, a port, a database (exit code 104). */
export function invalidConfig(message: string, hint?: string, cause?: unknown): SoraError {
  return new SoraError('invalid_config', message, {
    exitCode: exitCodes.invalidConfig,
    ...(hint === undefined ? {} : { hint }),
    ...(cause === undefined ? {} : { cause }),
  });
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** An error as every command writes it to standard error: `error:` and what is wrong, then, indented, what to do next. */
export function renderError(error: unknown): string {
  const hint = error instanceof SoraError ? (error.hint ?? '') : '';
  const next = hint === '' ? '' : `${hint.split('\n').map((line) => `  ${line}`).join('\n')}\n`;
  return `error: ${messageOf(error)}\n${next}`;
}

/** Marks a branch that types say cannot be reached. */
export function assertNever(value: never): never {
  throw new SoraError('unreachable', `unexpected value ${JSON.stringify(value)}`);
}
