/** Methods that templates may call on times and durations, such as `(toTime 0).Year`. */
import { SoraError } from '../../core/error.ts';
import { int, plain, typeName } from './value.ts';
import type { GoDuration, GoTime, GoValue } from './value.ts';

const months = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/** Calls a method; undefined where the type has none of the name. */
export function callMethod(receiver: GoValue, name: string, args: readonly GoValue[]): GoValue | undefined {
  if (typeof receiver !== 'object' || receiver === null) return undefined;
  if (receiver.kind === 'time') return ofTime(receiver, name, args);
  if (receiver.kind === 'duration') return ofDuration(receiver, name);
  return undefined;
}

function ofTime(time: GoTime, name: string, args: readonly GoValue[]): GoValue | undefined {
  const date = new Date(time.atMs);
  switch (name) {
    case 'Unix': return int(Math.floor(time.atMs / 1_000));
    case 'UnixMilli': return int(time.atMs);
    case 'Year': return int(date.getUTCFullYear());
    case 'Month': return months[date.getUTCMonth()] ?? '';
    case 'Day': return int(date.getUTCDate());
    case 'Weekday': return days[date.getUTCDay()] ?? '';
    case 'Hour': return int(date.getUTCHours());
    case 'Minute': return int(date.getUTCMinutes());
    case 'Second': return int(date.getUTCSeconds());
    case 'UTC': return time;
    case 'String': return plain(time);
    case 'Format': return formatLayout(date, textOf(args[0]));
    case 'Add': return { kind: 'time', atMs: time.atMs + nsOf(args[0]) / 1e6 };
    case 'Sub': return { kind: 'duration', ns: (time.atMs - timeOf(args[0])) * 1e6 };
    case 'Before': return time.atMs < timeOf(args[0]);
    case 'After': return time.atMs > timeOf(args[0]);
    case 'Equal': return time.atMs === timeOf(args[0]);
    default: return undefined;
  }
}

function ofDuration({ ns }: GoDuration, name: string): GoValue | undefined {
  switch (name) {
    case 'Seconds': return ns / 1e9;
    case 'Minutes': return ns / 6e10;
    case 'Hours': return ns / 3.6e12;
    case 'Milliseconds': return int(Math.trunc(ns / 1e6));
    case 'String': return plain({ kind: 'duration', ns });
    default: return undefined;
  }
}

function textOf(value: GoValue | undefined): string {
  if (typeof value !== 'string') throw wrong('string', value);
  return value;
}

function nsOf(value: GoValue | undefined): number {
  if (typeof value !== 'object' || value?.kind !== 'duration') throw wrong('time.Duration', value);
  return value.ns;
}

function timeOf(value: GoValue | undefined): number {
  if (typeof value !== 'object' || value?.kind !== 'time') throw wrong('time.Time', value);
  return value.atMs;
}

const wrong = (expected: string, value: GoValue | undefined): SoraError =>
  new SoraError('bad_template', `wrong type for value; expected ${expected}; got ${typeName(value ?? null)}`);

const layout = /2006|January|Jan|Monday|Mon|MST|Z07:00|-0700|-07:00|01|02|03|04|05|06|15|PM|pm|\.0+|_2|1|2|3|4|5/g;

/** Writes a time by Go's reference time, Mon Jan 2 15:04:05 MST 2006. */
function formatLayout(date: Date, text: string): string {
  const [year, month, day, hour] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate(), date.getUTCHours()];
  const [minute, second, half] = [date.getUTCMinutes(), date.getUTCSeconds(), hour % 12 === 0 ? 12 : hour % 12];
  const two = (value: number): string => String(value).padStart(2, '0');
  const parts: Readonly<Record<string, string>> = {
    2006: String(year), '06': two(year % 100), January: months[month] ?? '', Jan: (months[month] ?? '').slice(0, 3), '01': two(month + 1), 1: String(month + 1),
    '02': two(day), _2: String(day).padStart(2), 2: String(day), Monday: days[date.getUTCDay()] ?? '', Mon: (days[date.getUTCDay()] ?? '').slice(0, 3),
    15: two(hour), '03': two(half), 3: String(half), '04': two(minute), 4: String(minute), '05': two(second), 5: String(second), PM: hour < 12 ? 'AM' : 'PM', pm: hour < 12 ? 'am' : 'pm',
    MST: 'UTC', 'Z07:00': 'Z', '-0700': '+0000', '-07:00': '+00:00',
  };
  return text.replace(layout, (part) => parts[part] ?? `.${String(date.getUTCMilliseconds()).padStart(3, '0').padEnd(part.length - 1, '0').slice(0, part.length - 1)}`);
}
