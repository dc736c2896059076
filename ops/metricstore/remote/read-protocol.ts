/** The messages of Prometheus' remote read (prompb/remote.proto), as far as float samples need them. */
import { Reader, Writer } from 'protobufjs/minimal.js';
import { SoraError } from '../../core/error.ts';
import type { MatchOperator, Matcher, SeriesSamples, TimeSpan } from '../series.ts';

const matcherTypes: Readonly<Record<MatchOperator, number>> = { '=': 0, '!=': 1, '=~': 2, '!~': 3 };
/** Wire types of protobuf. */
const varint = 0;
const fixed64 = 1;
const lengthDelimited = 2;
/** The NaN that marks the end of a series, in its two halves, the lower first. */
const staleLow = 2;
const staleHigh = 0x7ff0_0000;

/** A request for one query; samples come raw, as without accepted types. */
export function encodeReadRequest(matchers: readonly Matcher[], { fromMs, toMs }: TimeSpan): Uint8Array {
  const writer = Writer.create();
  writer.uint32((1 << 3) | lengthDelimited).fork();
  writer.uint32((1 << 3) | varint).int64(fromMs).uint32((2 << 3) | varint).int64(toMs);
  for (const { name, operator, value } of matchers) {
    writer.uint32((3 << 3) | lengthDelimited).fork();
    writer.uint32((1 << 3) | varint).int32(matcherTypes[operator]).uint32((2 << 3) | lengthDelimited).string(name).uint32((3 << 3) | lengthDelimited).string(value);
    writer.ldelim();
  }
  writer.ldelim();
  return writer.finish();
}

/** @throws SoraError `remote_reply` when it is no such message */
export function decodeReadResponse(bytes: Uint8Array): SeriesSamples[] {
  const reader = Reader.create(bytes);
  const series: SeriesSamples[] = [];
  try {
    eachField(reader, reader.len, (field) => {
      if (field !== 1) return false;
      eachField(reader, reader.uint32() + reader.pos, (inner) => {
        if (inner !== 1) return false;
        series.push(decodeSeries(reader, reader.uint32() + reader.pos));
        return true;
      });
      return true;
    });
  } catch (error) {
    throw new SoraError('remote_reply', 'the answer to remote read is no message of that protocol', { status: 503, cause: error });
  }
  return series;
}

/** @param read answers whether it read the field; others are skipped */
function eachField(reader: Reader, end: number, read: (field: number) => boolean): void {
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (!read(tag >>> 3)) reader.skipType(tag & 7);
  }
}

function decodeSeries(reader: Reader, end: number): SeriesSamples {
  const labels: Record<string, string> = {};
  const timestamps: number[] = [];
  const values: number[] = [];
  const marks: number[] = [];
  eachField(reader, end, (field) => {
    if (field !== 1 && field !== 2) return false;
    const innerEnd = reader.uint32() + reader.pos;
    if (field === 1) readLabel(reader, innerEnd, labels);
    else readSample(reader, innerEnd, timestamps, values, marks);
    return true;
  });
  return {
    labels, timestampsMs: Float64Array.from(timestamps), values: Float64Array.from(values),
    ...(marks.length === 0 ? {} : { stale: staleFlags(values.length, marks) }),
  };
}

function readLabel(reader: Reader, end: number, labels: Record<string, string>): void {
  let [name, value] = ['', ''];
  eachField(reader, end, (field) => {
    if (field === 1) name = reader.string();
    else if (field === 2) value = reader.string();
    else return false;
    return true;
  });
  labels[name] = value;
}

function readSample(reader: Reader, end: number, timestamps: number[], values: number[], marks: number[]): void {
  let [value, atMs, isStale] = [0, 0, false];
  while (reader.pos < end) {
    const tag = reader.uint32();
    if (tag === ((1 << 3) | fixed64)) {
      // As bits first: a number of ours need not keep which NaN it is.
      const low = reader.fixed32();
      const high = reader.fixed32();
      isStale = low === staleLow && high === staleHigh;
      value = isStale ? Number.NaN : fromBits(low, high);
    } else if (tag === ((2 << 3) | varint)) atMs = Number(reader.int64());
    else reader.skipType(tag & 7);
  }
  if (isStale) marks.push(values.length);
  timestamps.push(atMs);
  values.push(value);
}

const bits = new DataView(new ArrayBuffer(8));

function fromBits(low: number, high: number): number {
  bits.setUint32(0, low, true);
  bits.setUint32(4, high, true);
  return bits.getFloat64(0, true);
}

function staleFlags(length: number, marks: readonly number[]): Uint8Array {
  const flags = new Uint8Array(length);
  for (const index of marks) flags[index] = 1;
  return flags;
}
