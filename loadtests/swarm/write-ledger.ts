import type { IndeterminateWrite } from './measurement.ts';
import { checksumOf } from './write-id.ts';

/** Ids kept by name at most; more writes of unknown fate only raise `indeterminateDropped`, which the audit reports. */
const indeterminateMax = 200_000;
const kindsMax = 50;

/** The acknowledged writes of a worker's users: 12 bytes a user, whatever they write. */
export class WriteLedger {
  readonly acknowledged: Uint32Array;
  readonly checksum: Float64Array;
  readonly indeterminate: IndeterminateWrite[] = [];
  readonly byKind: Record<string, number> = {};
  indeterminateDropped = 0;

  /** @param places users of this worker; ledgers are indexed by place, not by user */
  constructor(places: number) {
    this.acknowledged = new Uint32Array(places);
    this.checksum = new Float64Array(places);
  }

  acknowledge(place: number, id: string, kind: string): void {
    this.acknowledged[place]!++;
    this.checksum[place]! += checksumOf(id);
    this.#count(kind, 1);
  }

  /** Takes an acknowledged write back: it left no row of its own. */
  drop(place: number, id: string, kind: string): void {
    this.acknowledged[place]!--;
    this.checksum[place]! -= checksumOf(id);
    this.#count(kind, -1);
  }

  /** Notes a write that may be there once or not at all. */
  doubt(user: number, id: string, kind: string): void {
    if (this.indeterminate.length < indeterminateMax) this.indeterminate.push({ user, id, kind });
    else this.indeterminateDropped++;
  }

  #count(kind: string, by: number): void {
    const known = kind in this.byKind || Object.keys(this.byKind).length < kindsMax ? kind : '(other)';
    this.byKind[known] = (this.byKind[known] ?? 0) + by;
  }
}
