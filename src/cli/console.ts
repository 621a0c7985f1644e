/** The terminal that the program runs on: a serial port, the monitor, or both by turns. */
import type { MachineVm } from '../vm/machine-vm.ts';
import type { MachineOptions } from '../vm/options/machine-options.ts';
import { LineEditor } from './line-editor.ts';
import type { StandardOutput } from './standard-output.ts';
import { TerminalMux } from './terminal-mux.ts';

const CTRL_C = 0x03;

export interface ConsoleOptions {
  readonly vm: MachineVm;
  readonly options: MachineOptions;
  readonly stdout: StandardOutput;
  /** The serial port on the terminal, if one is. */
  readonly serialPort: number | undefined;
}

export class Console {
  /** Whether the monitor can be reached from here. */
  readonly hasMonitor: boolean;
  private readonly vm: MachineVm;
  private readonly stdout: StandardOutput;
  private readonly serialPort: number | undefined;
  private readonly mux: TerminalMux | undefined;
  private editor: LineEditor | undefined;
  private monitorOpen = false;
  private readonly text = new TextDecoder();
  private closed = false;

  constructor({ vm, options, stdout, serialPort }: ConsoleOptions) {
    this.vm = vm;
    this.stdout = stdout;
    this.serialPort = serialPort;
    const backend = serialPort === undefined ? undefined : options.serial[serialPort];
    const muxed = backend?.kind === 'stdio' && backend.muxed;
    this.hasMonitor = muxed || options.monitor.kind === 'stdio';
    if (muxed) {
      this.mux = new TerminalMux({
        input: (focus, bytes) => (focus === 'serial' ? this.toSerial(bytes) : this.toMonitor(bytes)),
        focused: (focus) => focus === 'monitor' && this.openMonitor(),
        sendBreak: () => serialPort !== undefined && vm.serialBreak(serialPort),
        quit: () => void vm.quit(),
        print: (text) => stdout.write(text),
      });
    }
  }

  private get isUsed(): boolean {
    return this.hasMonitor || this.serialPort !== undefined;
  }

  /** Starts to read the terminal; the machine is there. */
  open(): void {
    if (this.closed || !this.isUsed) return;
    const { stdin } = process;
    if (stdin.isTTY) stdin.setRawMode(true);
    stdin.on('data', (data: Buffer) => this.receive(data));
    // Input that ends is no reason to stop the machine.
    stdin.on('error', () => {});
    if (this.hasMonitor && this.mux === undefined) this.openMonitor();
  }

  close(): void {
    this.closed = true;
    const { stdin } = process;
    if (!this.isUsed) return;
    if (stdin.isTTY) stdin.setRawMode(false);
    stdin.pause();
  }

  serialOutput(bytes: Uint8Array): void {
    this.stdout.write(bytes);
  }

  private receive(data: Uint8Array): void {
    if (this.closed) return;
    if (this.mux !== undefined) {
      this.mux.receive(data);
      return;
    }
    // A raw terminal sends no signal; shared with the monitor, Ctrl-C is the guest's.
    const interrupt = process.stdin.isTTY ? data.indexOf(CTRL_C) : -1;
    const bytes = interrupt < 0 ? data : data.subarray(0, interrupt);
    if (bytes.length > 0) {
      if (this.serialPort !== undefined) this.toSerial(bytes);
      else this.toMonitor(bytes);
    }
    if (interrupt >= 0) process.kill(process.pid, 'SIGINT');
  }

  private toSerial(bytes: Uint8Array): void {
    if (this.serialPort !== undefined) void this.vm.serialInput(this.serialPort, bytes);
  }

  private toMonitor(bytes: Uint8Array): void {
    this.editor?.receive(this.text.decode(bytes, { stream: true }));
  }

  private openMonitor(): void {
    const { banner, prompt } = this.vm.monitorGreeting;
    this.editor ??= new LineEditor({
      prompt,
      print: (text) => this.stdout.write(text),
      submit: async (line) => {
        const output = await this.vm.monitor(line);
        if (!this.closed) this.stdout.write(output.replaceAll('\n', '\r\n'));
        return !this.closed;
      },
    });
    if (!this.monitorOpen) this.stdout.write(banner.replaceAll('\n', '\r\n'));
    else this.stdout.write('\r\n');
    this.monitorOpen = true;
    this.editor.showPrompt();
  }
}
