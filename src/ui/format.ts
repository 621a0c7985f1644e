/** Numbers as the page shows them. */

/** 5707712 → '5.4 MiB'. */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const units = ['KiB', 'MiB', 'GiB'];
  let value = bytes / 1024;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value < 10 ? value.toFixed(1).replace(/\.0$/, '') : Math.round(value)} ${units[unit]}`;
}

/** 3723400000000 ns → '1:02:03.4'; the hours only where there are some. */
export function guestTimeText(ns: number): string {
  const tenths = Math.floor(ns / 1e8);
  const seconds = `${String(Math.floor(tenths / 10) % 60).padStart(2, '0')}.${tenths % 10}`;
  const minutes = Math.floor(tenths / 600) % 60;
  const hours = Math.floor(tenths / 36000);
  return hours === 0 ? `${minutes}:${seconds}` : `${hours}:${String(minutes).padStart(2, '0')}:${seconds}`;
}

/** Speed with as many digits as mean something. */
export function mipsText(mips: number): string {
  return mips > 0 && mips < 10 ? mips.toFixed(1) : Math.round(mips).toString();
}

/** An instruction count, exact, its digits in groups of three by thin spaces. */
export function countText(count: number): string {
  return count.toString().replace(/\B(?=(\d{3})+$)/g, '\u2009');
}

/** 0.456 → '46 %'. */
export function percentText(share: number): string {
  return `${Math.round(share * 100)}\u202f%`;
}

/** 75 → '1 min 15 s left': what remains at the speed so far. */
export function timeLeftText(seconds: number): string {
  if (seconds < 1) return 'a moment left';
  if (seconds < 60) return `${Math.round(seconds)} s left`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${Math.round(seconds % 60)} s left`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min left`;
}

const DAY_MS = 24 * 3600 * 1000;
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });

/** When something was, as one says it: '3 minutes ago', 'yesterday', '4 March 2026'. */
export function agoText(then: number, now: number): string {
  const passed = Math.max(0, now - then);
  if (passed < 60_000) return 'just now';
  if (passed < 3_600_000) return relative.format(-Math.floor(passed / 60_000), 'minute');
  if (passed < DAY_MS) return relative.format(-Math.floor(passed / 3_600_000), 'hour');
  if (passed < 7 * DAY_MS) return relative.format(-Math.floor(passed / DAY_MS), 'day');
  return new Date(then).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
}
