import type { IndeterminateWrite, WriteReach } from './measurement.ts';
import { placeOf, type Partition } from './partition.ts';
import { checksumOf } from './write-id.ts';

/** Ids kept by name at most; more writes of unknown fate only raise `indeterminateDropped`, which the audit reports. */
const indeterminateMax = 200_000;
const kindsMax = 50;

/** Whose write it is, and what its id is made of. */
export interface Writer {
  readonly index: number;
  readonly key: number;
  readonly step: number;
}

/** The acknowledged writes of a worker's users: 12 bytes a user, whatever they write. */
export class WriteLedger {
  readonly acknowledged: Uint32Array;
  readonly checksum: Float64Array;
  readonly indeterminate: IndeterminateWrite[] = [];
  readonly byKind: Record<string, number> = {};
  indeterminateDropped = 0;
  readonly #partition: Partition;
  #keys = 0;
  #steps = 0;

  /** @param places users of this worker; ledgers are indexed by a user's place in the share, wherever it acts */
  constructor(places: number, partition: Partition) {
    this.#partition = partition;
    this.acknowledged = new Uint32Array(places);
    this.checksum = new Float64Array(places);
  }

  /** How far the keys and steps of acknowledged writes go. */
  get reach(): WriteReach {
    return { keys: this.#keys, steps: this.#steps };
  }

  acknowledge({ index, key, step }: Writer, id: string, kind: string): void {
    const place = placeOf(this.#partition, index);
    if (place === undefined) return; // A user of another share: no worker acts as one.
    this.acknowledged[place]!++;
    this.checksum[place]! += checksumOf(id);
    if (key >= this.#keys) this.#keys = key + 1;
    if (step >= this.#steps) this.#steps = step + 1;
    this.#count(kind);
  }

  /** Notes a write that may be there once or not at all. */
  doubt(user: number, id: string, kind: string): void {
    if (this.indeterminate.length < indeterminateMax) this.indeterminate.push({ user, id, kind });
    else this.indeterminateDropped++;
  }

  #count(kind: string): void {
    const known = kind in this.byKind || Object.keys(this.byKind).length < kindsMax ? kind : '(other)';
    this.byKind[known] = (this.byKind[known] ?? 0) + 1;
  }
}
