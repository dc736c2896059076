import type { Position } from './expr.ts';
import { quote } from './literals.ts';

/** Annotations of one kind are no more than this; the rest are counted. */
export const annotationsMax = 1_000;

/** Warnings and infos of one query, each once, with Prometheus' texts. */
export class Annotations {
  readonly #warnings = new Set<string>();
  readonly #infos = new Set<string>();

  warn(text: string, { line, column }: Position): void {
    if (this.#warnings.size < annotationsMax) this.#warnings.add(`PromQL warning: ${text} (${line}:${column})`);
  }

  info(text: string, { line, column }: Position): void {
    if (this.#infos.size < annotationsMax) this.#infos.add(`PromQL info: ${text} (${line}:${column})`);
  }

  get warnings(): string[] {
    return [...this.#warnings];
  }

  get infos(): string[] {
    return [...this.#infos];
  }
}

/** What is said of a metric, where its name is known. */
export const ofMetric = (name: string): string => (name === '' ? '' : ` for metric name ${quote(name)}`);
