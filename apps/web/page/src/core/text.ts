// Numbers as people read them.

const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;
const grouped = new Intl.NumberFormat('en-US');

/** 12,345 */
export function count(value: number): string {
  return grouped.format(value);
}

/** "1 file", "12,345 files"; the plural is given where it is not the word with an s. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** 1.5 GiB: three digits that matter; never less than a whole byte. */
export function size(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    ++unit;
  }
  if (unit === 0) {
    return counted(bytes, 'byte');
  }
  const digits = value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits).replace(/\.0+$/, '').replace(/(\.\d*?)0+$/, '$1')} ${units[unit]}`;
}

/** 1.5 GiB (1,610,612,736 bytes) */
export function exactSize(bytes: number): string {
  return bytes < 1024 ? size(bytes) : `${size(bytes)} (${count(bytes)} bytes)`;
}

/** 0x3bc8000, as the command line prints offsets. */
export function hex(offset: number, digits = 0): string {
  return `0x${offset.toString(16).padStart(digits, '0')}`;
}

/** 0x3bc8000 (62,685,184): both notations. */
export function bothNotations(offset: number): string {
  return `${hex(offset)} (${count(offset)})`;
}

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;
const month = 30.44 * day;
const year = 365.25 * day;

/** Up to ten as it is, then in steps that a person would say. */
function spoken(value: number): number {
  if (value < 10) {
    return Math.max(1, Math.round(value));
  }
  if (value < 100) {
    return value < 20 ? Math.round(value) : Math.round(value / 5) * 5;
  }
  const step = 10 ** (Math.floor(Math.log10(value)) - 1);
  return Math.round(value / step) * step;
}

/** A time that a person plans by: "about 3 minutes", "overnight, 9 hours", "62 hours", "longer than a lifetime". */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) {
    return 'unknown';
  }
  if (seconds < 2) {
    return 'at once';
  }
  if (seconds < 90) {
    return `about ${counted(spoken(seconds), 'second')}`;
  }
  if (seconds < 90 * minute) {
    return `about ${counted(spoken(seconds / minute), 'minute')}`;
  }
  if (seconds < 6 * hour) {
    return `about ${counted(spoken(seconds / hour), 'hour')}`;
  }
  if (seconds < 14 * hour) {
    return `overnight, ${counted(Math.round(seconds / hour), 'hour')}`;
  }
  if (seconds < 96 * hour) {
    return counted(Math.round(seconds / hour), 'hour');
  }
  if (seconds < 60 * day) {
    return `about ${counted(spoken(seconds / day), 'day')}`;
  }
  if (seconds < 2 * year) {
    return `about ${counted(spoken(seconds / month), 'month')}`;
  }
  if (seconds < 80 * year) {
    return `about ${counted(spoken(seconds / year), 'year')}`;
  }
  return 'longer than a lifetime';
}

/** 1:05, 12:40, 1:00:07: length of a video, or time that has gone by. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, '0');
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return hours > 0 ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** 2016-07-23 14:03 from nanoseconds since 1970, UTC; what no calendar holds is said. */
export function moment(nanoseconds: number | null | undefined): string {
  return nanoseconds === null || nanoseconds === undefined ? 'unknown' : momentOf(nanoseconds / 1e9);
}

/** The same from seconds since 1970. */
export function momentOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.getTime()) ? 'no real date' : date.toISOString().slice(0, 16).replace('T', ' ');
}

const dayWords = new Intl.DateTimeFormat('en-GB', {
  weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC',
});

/** "Saturday 23 July 2016" from 2016-07-23. */
export function dayName(text: string): string {
  const date = new Date(`${text}T00:00:00Z`);
  return Number.isNaN(date.getTime()) ? 'Day unknown' : dayWords.format(date).replace(',', '');
}

/** drwxr-xr-x */
export function modeText(mode: number, type: string): string {
  const first = type === 'directory' ? 'd' : type === 'symlink' ? 'l' : type === 'fifo' ? 'p' : '-';
  const bits = 'rwxrwxrwx';
  return first + [...bits].map((letter, i) => ((mode >> (8 - i)) & 1 ? letter : '-')).join('');
}

/** 12,000 a second; 0.4 a second */
export function rate(perSecond: number, unit: string): string {
  if (unit === 'bytes') {
    return `${size(perSecond)} a second`;
  }
  return `${perSecond >= 10 ? count(Math.round(perSecond)) : perSecond.toPrecision(2)} ${unit} a second`;
}

/** done of total in the unit that matters. */
export function doneOf(done: number, total: number | null, unit: string): string {
  const say = (value: number) => (unit === 'bytes' ? size(value) : count(value));
  const tail = unit === 'bytes' ? '' : ` ${unit}`;
  return total === null ? `${say(done)}${tail}` : `${say(done)} of ${say(total)}${tail}`;
}
