/** A position in a command line. */
export class TextReader {
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  /** The next character; empty at the end. */
  get peek(): string {
    return this.text.charAt(this.at);
  }

  /** Whether the next character ends a word. */
  get atSpaceOrEnd(): boolean {
    return this.peek === '' || /\s/.test(this.peek);
  }

  advance(): string {
    return this.text.charAt(this.at++);
  }

  skipSpace(): void {
    this.match(/\s*/y);
  }

  /** What a sticky pattern finds here; empty, and nothing consumed, if it finds nothing. */
  match(pattern: RegExp): string {
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text)?.[0] ?? '';
    this.at += found.length;
    return found;
  }
}
