import type { Position } from './expr.ts';
import { quote } from './literals.ts';

/** Line and column, counted from 1. */
export type Place = Pick<Position, 'line' | 'column'>;

/** Annotations of one kind are no more than this; the rest are counted. */
export const annotationsMax = 1_000;

/** Warnings and infos of one query with Prometheus' texts: each once, with the position where it was last given. */
export class Annotations {
  readonly #warnings = new Map<string, Place>();
  readonly #infos = new Map<string, Place>();

  warn(text: string, place: Place): void {
    put(this.#warnings, text, place);
  }

  info(text: string, place: Place): void {
    put(this.#infos, text, place);
  }

  get warnings(): string[] {
    return render('warning', this.#warnings);
  }

  get infos(): string[] {
    return render('info', this.#infos);
  }
}

function put(places: Map<string, Place>, text: string, place: Place): void {
  if (places.size < annotationsMax || places.has(text)) places.set(text, place);
}

const render = (kind: string, places: ReadonlyMap<string, Place>): string[] => [...places].map(([text, { line, column }]) => `PromQL ${kind}: ${text} (${line}:${column})`);

/** What is said of a metric, where its name is known. */
export const ofMetric = (name: string): string => (name === '' ? '' : ` for metric name ${quote(name)}`);
