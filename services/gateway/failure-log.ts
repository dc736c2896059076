/** Something the gateway itself failed at, not an api process's answer. */
export interface GatewayFailure {
  /** Of the request; the client was told it too. */
  readonly correlationId: string;
  /** Of a fixed set, as the limit on lines is kept per code. */
  readonly code: string;
  /** What happened, such as the error of the api's socket. */
  readonly detail: string;
  readonly method: string;
  /** Of the gateway's own reply; undefined when it could only break off the api's. */
  readonly status: number | undefined;
}

/** As much of a logger as this needs. */
export interface WarningLog {
  warn(fields: object, message: string): void;
}

interface Window {
  readonly endMs: number;
  lines: number;
  suppressed: number;
}

/** Lines per code and window; what comes beyond is counted and told in one line when the window has ended. */
const linesMax = 10;
const windowMs = 5_000;

/**
 * Logs the gateway's own failures, few enough that an overload cannot fill the disk: at most 10 lines a code in 5 s,
 * and one with the number left out. Answers of the api are not logged here; the api has done that.
 */
export class FailureLog {
  readonly #log: WarningLog;
  readonly #windows = new Map<string, Window>();

  constructor(log: WarningLog) {
    this.#log = log;
  }

  /** @param nowMs monotonic; a quarter of a second coarse is good enough */
  report(failure: GatewayFailure, nowMs: number): void {
    let window = this.#windows.get(failure.code);
    if (window === undefined || nowMs >= window.endMs) {
      if (window !== undefined) this.#tell(failure.code, window);
      window = { endMs: nowMs + windowMs, lines: 0, suppressed: 0 };
      this.#windows.set(failure.code, window);
    }
    if (window.lines >= linesMax) {
      window.suppressed++;
      return;
    }
    window.lines++;
    const { correlationId, code, status, method, detail } = failure;
    this.#log.warn({ correlationId, code, status, method, detail }, 'request failed at the gateway');
  }

  /** Tells what was left out of the windows that have ended; the sweep calls it, and stop with Infinity. */
  endWindows(nowMs: number): void {
    for (const [code, window] of this.#windows) {
      if (nowMs < window.endMs) continue;
      this.#windows.delete(code);
      this.#tell(code, window);
    }
  }

  #tell(code: string, { suppressed }: Window): void {
    if (suppressed > 0) this.#log.warn({ code, suppressed, windowMs }, 'further failures of this kind were not logged one by one');
  }
}
