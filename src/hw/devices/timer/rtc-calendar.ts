/** Calendar arithmetic for the real-time clock, without the host's Date. */

export interface CalendarTime {
  readonly second: number;
  readonly minute: number;
  readonly hour: number;
  /** 1 (Sunday) to 7. */
  readonly weekday: number;
  readonly day: number;
  /** 1 to 12. */
  readonly month: number;
  readonly year: number;
}

const DAYS_IN_MONTH = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;
const SECONDS_PER_DAY = 86400;

export const isLeapYear = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);

export const daysInMonth = (month: number, year: number): number =>
  month === 2 && isLeapYear(year) ? 29 : (DAYS_IN_MONTH[month - 1] ?? 31);

/** The Gregorian date and time (UTC) of a count of seconds since 1970. */
export function calendarOf(unixSeconds: number): CalendarTime {
  const days = Math.floor(unixSeconds / SECONDS_PER_DAY);
  const rest = unixSeconds - days * SECONDS_PER_DAY;
  let year = 1970 + Math.floor(days / 365.2425);
  while (daysBeforeYear(year) > days) year--;
  while (daysBeforeYear(year + 1) <= days) year++;
  let day = days - daysBeforeYear(year);
  let month = 1;
  while (day >= daysInMonth(month, year)) day -= daysInMonth(month++, year);
  return {
    second: rest % 60,
    minute: Math.floor(rest / 60) % 60,
    hour: Math.floor(rest / 3600),
    weekday: ((((days + 4) % 7) + 7) % 7) + 1, // 1970-01-01 was a Thursday
    day: day + 1,
    month,
    year,
  };
}

/** Days from 1970-01-01 to the first of January of `year`. */
function daysBeforeYear(year: number): number {
  const leapDays = (y: number) => Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400);
  return (year - 1970) * 365 + leapDays(year - 1) - leapDays(1969);
}

/** The next second. Fields outside their range count as the last of it, as the chip's counters wrap. */
export function nextSecond(t: CalendarTime): CalendarTime {
  if (t.second < 59) return { ...t, second: t.second + 1 };
  if (t.minute < 59) return { ...t, second: 0, minute: t.minute + 1 };
  if (t.hour < 23) return { ...t, second: 0, minute: 0, hour: t.hour + 1 };
  const midnight = { ...t, second: 0, minute: 0, hour: 0, weekday: t.weekday < 7 ? t.weekday + 1 : 1 };
  if (t.day < daysInMonth(t.month, t.year)) return { ...midnight, day: t.day + 1 };
  if (t.month < 12) return { ...midnight, day: 1, month: t.month + 1 };
  return { ...midnight, day: 1, month: 1, year: t.year + 1 };
}
