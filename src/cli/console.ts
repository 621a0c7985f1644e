/** The terminal that the program runs on: a serial port, the monitor, or both by turns. */
import type { MachineVm } from '../vm/machine-vm.ts';
import type { MachineOptions } from '../vm/options/machine-options.ts';
import { createMux, type Mux } from '../vm/terminal.ts';
import { LineEditor } from './line-editor.ts';
import type { StandardOutput } from './standard-output.ts';

const CTRL_C = 0x03;

export interface ConsoleOptions {
  readonly vm: MachineVm;
  readonly options: MachineOptions;
  readonly stdout: StandardOutput;
  /** The serial port on the terminal, if one is. */
  readonly serialPort: number | undefined;
  /** The `-chardev` on the terminal, if no serial port is. */
  readonly chardev?: string | undefined;
}

/** What the terminal is joined to in the guest. */
interface GuestLine {
  readonly isMuxed: boolean;
  send(bytes: Uint8Array): void;
  sendBreak(): void;
}

export class Console {
  /** Whether the monitor can be reached from here. */
  readonly hasMonitor: boolean;
  /** Output of the serial port that is on this terminal. */
  readonly serialOutput: (bytes: Uint8Array) => void;
  private readonly vm: MachineVm;
  private readonly stdout: StandardOutput;
  private readonly line: GuestLine | undefined;
  private readonly mux: Mux | undefined;
  private editor: LineEditor | undefined;
  private readonly text = new TextDecoder();
  private closed = false;

  constructor(given: ConsoleOptions) {
    const { vm, options, stdout } = given;
    this.vm = vm;
    this.stdout = stdout;
    const line = lineOf(given);
    this.line = line;
    const isMuxed = line?.isMuxed ?? false;
    this.hasMonitor = isMuxed || options.monitor.kind === 'stdio';
    this.serialOutput = (bytes) => stdout.write(bytes);
    if (line === undefined || !isMuxed) return;
    this.mux = createMux({
      output: (bytes) => stdout.write(bytes),
      quit: () => void vm.quit(),
      nowMs: () => performance.now(),
    });
    this.serialOutput = this.mux.connect({
      receive: (bytes) => line.send(bytes),
      onBreak: () => line.sendBreak(),
    });
    this.mux.connect({
      receive: (bytes) => this.toMonitor(bytes),
      onFocus: (focused) => focused && this.showMonitor(),
    });
  }

  private get isUsed(): boolean {
    return this.hasMonitor || this.line !== undefined;
  }

  /** Starts to read the terminal; the machine is there. */
  open(): void {
    if (this.closed || !this.isUsed) return;
    const { stdin } = process;
    if (stdin.isTTY) stdin.setRawMode(true);
    stdin.on('data', (data: Buffer) => this.receive(data));
    // Input that ends or fails is no reason to stop the machine.
    stdin.on('error', () => {});
    if (this.hasMonitor && this.mux === undefined) this.showMonitor();
  }

  close(): void {
    this.closed = true;
    const { stdin } = process;
    if (!this.isUsed) return;
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
  }

  private receive(data: Uint8Array): void {
    if (this.closed) return;
    if (this.mux !== undefined) {
      this.mux.input(data);
      return;
    }
    // A raw terminal sends no signal; only when shared with the monitor is Ctrl-C the guest's.
    const interrupt = process.stdin.isTTY ? data.indexOf(CTRL_C) : -1;
    const bytes = interrupt < 0 ? data : data.subarray(0, interrupt);
    if (bytes.length > 0) {
      if (this.line !== undefined) this.line.send(bytes);
      else this.toMonitor(bytes);
    }
    if (interrupt >= 0) process.kill(process.pid, 'SIGINT');
  }

  private toMonitor(bytes: Uint8Array): void {
    this.editor?.receive(this.text.decode(bytes, { stream: true }));
  }

  private showMonitor(): void {
    const { banner, prompt } = this.vm.monitorGreeting;
    this.stdout.write(this.editor === undefined ? banner.replaceAll('\n', '\r\n') : '\r\n');
    this.editor ??= new LineEditor({
      prompt,
      print: (text) => this.stdout.write(text),
      submit: async (line) => {
        const output = await this.vm.monitor(line);
        if (!this.closed) this.stdout.write(output.replaceAll('\n', '\r\n'));
        return !this.closed;
      },
    });
    this.editor.showPrompt();
  }
}

function lineOf({ vm, options, serialPort, chardev }: ConsoleOptions): GuestLine | undefined {
  const backend = serialPort !== undefined ? options.serial[serialPort] : options.chardevs[chardev ?? ''];
  const isMuxed = backend?.kind === 'stdio' && backend.muxed;
  if (serialPort !== undefined) {
    return {
      isMuxed,
      send: (bytes) => void vm.serialInput(serialPort, bytes),
      sendBreak: () => vm.serialBreak(serialPort),
    };
  }
  if (chardev === undefined) return undefined;
  return { isMuxed, send: (bytes) => void vm.chardevInput(chardev, bytes), sendBreak() {} };
}
