/**
 * The terminal shared by a serial port and the monitor, with QEMU's escape character: Ctrl-A c switches, x quits,
 * b sends a break, h explains; Ctrl-A twice sends one.
 */
const ESCAPE = 0x01;

export type MuxFocus = 'serial' | 'monitor';

export interface MuxActions {
  /** Bytes for the side that has the focus. */
  input(focus: MuxFocus, bytes: Uint8Array): void;
  focused(focus: MuxFocus): void;
  sendBreak(): void;
  quit(): void;
  print(text: string): void;
}

const HELP =
  '\r\n' +
  'C-a h    print this help\r\n' +
  'C-a x    exit emulator\r\n' +
  'C-a b    send break (magic sysrq)\r\n' +
  'C-a c    switch between console and monitor\r\n' +
  'C-a C-a  sends C-a\r\n';

export class TerminalMux {
  private readonly actions: MuxActions;
  private current: MuxFocus = 'serial';
  private escaped = false;

  constructor(actions: MuxActions) {
    this.actions = actions;
  }

  get focus(): MuxFocus {
    return this.current;
  }

  /** Bytes as the terminal sent them. */
  receive(bytes: Uint8Array): void {
    let plain: number[] = [];
    const flush = (): void => {
      if (plain.length > 0) this.actions.input(this.current, Uint8Array.from(plain));
      plain = [];
    };
    for (const byte of bytes) {
      if (this.escaped) {
        this.escaped = false;
        if (byte === ESCAPE) {
          plain.push(byte);
        } else {
          flush();
          this.command(String.fromCharCode(byte));
        }
      } else if (byte === ESCAPE) {
        this.escaped = true;
      } else {
        plain.push(byte);
      }
    }
    flush();
  }

  private command(letter: string): void {
    switch (letter) {
      case 'c':
        this.current = this.current === 'serial' ? 'monitor' : 'serial';
        this.actions.focused(this.current);
        break;
      case 'x':
        this.actions.print('Lockstep: Terminated\n\r');
        this.actions.quit();
        break;
      case 'b':
        this.actions.sendBreak();
        break;
      case 'h':
      case '?':
        this.actions.print(HELP);
        break;
    }
  }
}
