/** Where a command's words go. */
export interface Output {
  /** Standard output. */
  say(text: string): void;
  /** Standard error. */
  complain(text: string): void;
}

export function sayJson(out: Output, value: unknown): void {
  out.say(`${JSON.stringify(value, undefined, 4)}\n`);
}
