/** A line at a time from a raw terminal: echo, erasing and history, for the monitor's prompt. */

const ERASE = '\b \b';

export interface LineEditorOptions {
  readonly prompt: string;
  print(text: string): void;
  /** Called with each line; when it is done and did not end the session (false), the next prompt appears. */
  submit(line: string): Promise<boolean>;
}

export class LineEditor {
  private readonly options: LineEditorOptions;
  private line = '';
  private readonly history: string[] = [];
  /** Index into the history of the line that is shown; its length: the line that is being typed. */
  private shown = 0;
  /** What follows the ESC of a sequence that is being received. */
  private sequence: string | undefined;
  private waiting = '';
  private busy = false;

  constructor(options: LineEditorOptions) {
    this.options = options;
  }

  showPrompt(): void {
    this.options.print(this.options.prompt + this.line);
  }

  receive(text: string): void {
    this.waiting += text;
    if (!this.busy) void this.drain();
  }

  /** Takes characters one by one; while a command runs, the rest waits. */
  private async drain(): Promise<void> {
    this.busy = true;
    while (this.waiting !== '') {
      const character = this.waiting.charAt(0);
      this.waiting = this.waiting.slice(1);
      if (character === '\r' || character === '\n') {
        if (character === '\r' && this.waiting.startsWith('\n')) this.waiting = this.waiting.slice(1);
        await this.enter();
      } else {
        this.type(character);
      }
    }
    this.busy = false;
  }

  private async enter(): Promise<void> {
    const line = this.line;
    this.line = '';
    if (line.trim() !== '' && this.history.at(-1) !== line) this.history.push(line);
    this.shown = this.history.length;
    this.options.print('\r\n');
    if (await this.options.submit(line)) this.showPrompt();
  }

  private type(character: string): void {
    if (this.sequence !== undefined) {
      this.sequence += character;
      if (this.sequence === '[' || /^\[[0-9;]+$/.test(this.sequence)) return;
      if (this.sequence === '[A') this.recall(-1);
      else if (this.sequence === '[B') this.recall(1);
      this.sequence = undefined;
    } else if (character === '\x1b') {
      this.sequence = '';
    } else if (character === '\x7f' || character === '\b') {
      if (this.line !== '') this.options.print(ERASE);
      this.line = this.line.slice(0, -1);
    } else if (character === '\x15') {
      this.replace('');
    } else if (character >= ' ') {
      this.line += character;
      this.options.print(character);
    }
  }

  private recall(step: -1 | 1): void {
    const next = this.shown + step;
    if (next < 0 || next > this.history.length) return;
    this.shown = next;
    this.replace(this.history[next] ?? '');
  }

  private replace(line: string): void {
    this.options.print(ERASE.repeat(this.line.length) + line);
    this.line = line;
  }
}
