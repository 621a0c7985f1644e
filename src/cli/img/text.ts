/** Sizes and dates as qemu-img prints them. */

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** Three digits that matter, as C's `%0.3g` has them. */
export function sizeText(bytes: number): string {
  let [value, unit] = [bytes, 0];
  // A thousand and more goes to the next unit.
  while (value >= 1000 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${Number(value.toPrecision(3))} ${UNITS[unit]}`;
}

const two = (value: number): string => String(value).padStart(2, '0');

export function dateText(seconds: number): string {
  const date = new Date(seconds * 1000);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function clockText(nanoseconds: number): string {
  const seconds = Math.floor(nanoseconds / 1e9);
  const clock = [seconds / 3600, (seconds / 60) % 60, seconds % 60].map((part) => two(Math.floor(part))).join(':');
  return `${clock}.${String(Math.floor((nanoseconds % 1e9) / 1e6)).padStart(3, '0')}`;
}
