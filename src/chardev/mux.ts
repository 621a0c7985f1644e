/**
 * Several clients (serial lines, the monitor) on one terminal, as QEMU's `mux=on`: keys go to the client that has the
 * focus, Ctrl-A starts a command to the mux itself. It stands outside the machine, before the input queue.
 */

const ESCAPE = 0x01; // Ctrl-A

const HELP = [
  'C-a h    print this help',
  'C-a x    exit emulator',
  'C-a s    save disk data back to file (if -snapshot)',
  'C-a t    toggle console timestamps',
  'C-a b    send break (magic sysrq)',
  'C-a c    switch between console and monitor',
  'C-a C-a  sends C-a',
];

export interface MuxClient {
  receive(bytes: Uint8Array): void;
  /** Ctrl-A b while this client has the focus. */
  onBreak?(): void;
  /** The focus comes or goes. The monitor prints its prompt when it comes. */
  onFocus?(focused: boolean): void;
}

export interface MuxOptions {
  /** Bytes to the terminal. */
  output(bytes: Uint8Array): void;
  /** Ctrl-A x. */
  quit(): void;
  /** Ctrl-A s: write the data of temporary snapshots back to the disk images. */
  saveDisks?(): void;
  /** Milliseconds of a host clock, for Ctrl-A t. Without it there are no timestamps. */
  nowMs?(): number;
}

export interface Mux {
  /** Adds a client; the first one has the focus. Returns where the client writes its output. */
  connect(client: MuxClient): (bytes: Uint8Array) => void;
  /** Keys from the terminal. */
  input(bytes: Uint8Array): void;
  focus(client: MuxClient): void;
}

export function createMux({ output, quit, saveDisks, nowMs }: MuxOptions): Mux {
  const clients: MuxClient[] = [];
  const encoder = new TextEncoder();
  let focused = 0;
  let escaped = false;
  let timestampsSinceMs: number | undefined;
  let atLineStart = true;

  const print = (text: string) => output(encoder.encode(text));

  function moveFocus(index: number): void {
    if (index === focused) return;
    clients[focused]?.onFocus?.(false);
    focused = index;
    clients[focused]?.onFocus?.(true);
  }

  /** Does the command after Ctrl-A; true if the key is to be sent to the client instead. */
  function command(key: number): boolean {
    switch (String.fromCharCode(key)) {
      case 'h':
      case '?':
        print(`\r\n${HELP.join('\r\n')}\r\n`);
        return false;
      case 'x':
        print('QEMU: Terminated\r\n');
        quit();
        return false;
      case 's':
        saveDisks?.();
        return false;
      case 'b':
        clients[focused]?.onBreak?.();
        return false;
      case 'c':
        if (clients.length > 0) moveFocus((focused + 1) % clients.length);
        return false;
      case 't':
        timestampsSinceMs = timestampsSinceMs === undefined ? nowMs?.() : undefined;
        atLineStart = false;
        return false;
      default:
        return key === ESCAPE;
    }
  }

  function input(bytes: Uint8Array): void {
    let forClient: number[] = [];
    const flush = () => {
      if (forClient.length > 0) clients[focused]?.receive(Uint8Array.from(forClient));
      forClient = [];
    };
    for (const key of bytes) {
      if (escaped) {
        escaped = false;
        flush(); // what was typed before belongs to the client that had the focus then
        if (command(key)) forClient.push(key);
      } else if (key === ESCAPE) {
        escaped = true;
      } else {
        forClient.push(key);
      }
    }
    flush();
  }

  function write(bytes: Uint8Array): void {
    if (timestampsSinceMs === undefined || nowMs === undefined) {
      output(bytes);
      return;
    }
    const stamped: number[] = [];
    for (const byte of bytes) {
      if (atLineStart) stamped.push(...encoder.encode(timestamp(nowMs() - timestampsSinceMs)));
      stamped.push(byte);
      atLineStart = byte === 0x0a;
    }
    output(Uint8Array.from(stamped));
  }

  return {
    connect(client) {
      clients.push(client);
      return write;
    },
    input,
    focus(client) {
      const index = clients.indexOf(client);
      if (index >= 0) moveFocus(index);
    },
  };
}

/** `[hh:mm:ss.mmm] ` */
function timestamp(ms: number): string {
  const part = (value: number, digits: number) => String(Math.floor(value)).padStart(digits, '0');
  return `[${part(ms / 3_600_000, 2)}:${part((ms / 60_000) % 60, 2)}:${part((ms / 1000) % 60, 2)}.${part(ms % 1000, 3)}] `;
}
