/** Debian's own kernel and busybox (as `npm run roms` fetches them) in a machine on whose serial line one can type. */
import { existsSync, readFileSync } from 'node:fs';
import { openFileNode } from '../../src/cli/file-node.ts';
import { createNodeHost } from '../../src/cli/node-host.ts';
import type { VmEvent } from '../../src/vm/api.ts';
import { MachineVm } from '../../src/vm/machine-vm.ts';
import { DETERMINISTIC, PROMPT } from './history.ts';

const ROMS = new URL('../../roms/out/', import.meta.url);
const KERNEL = new URL('vmlinuz-i386', ROMS);
const INITRD = new URL('initramfs-i386.cpio.gz', ROMS);
/** A boot takes half a minute; several times that where others use the machine too. */
export const TIMEOUT_MS = 300_000;
export const hasLinux = existsSync(KERNEL) && existsSync(INITRD);

/** Kernel and initial RAM disk by the names that the options give them. */
export const linuxFiles = (): Record<string, Uint8Array> => ({
  vmlinuz: readFileSync(KERNEL),
  initrd: readFileSync(INITRD),
});

export type Exit = Extract<VmEvent, { kind: 'exit' }>;

export class LinuxGuest {
  readonly vm = new MachineVm({
    host: createNodeHost(),
    openHostFile: async (name, access) => openFileNode(name, access),
  });
  output = '';
  readonly #decoder = new TextDecoder('latin1');
  #exit: Exit | undefined;
  #arrived = (): void => {};

  /** Starts a machine; without '-initrd initrd' among the arguments it has no root file system. */
  static start(...args: string[]): Promise<LinuxGuest> {
    return LinuxGuest.startWith({}, ...args);
  }

  /** The same with more files that the arguments name. */
  static async startWith(files: Readonly<Record<string, Uint8Array>>, ...args: string[]): Promise<LinuxGuest> {
    const guest = new LinuxGuest();
    await guest.vm.start({ args: [...DETERMINISTIC, ...args], files: { ...linuxFiles(), ...files } }, guest.hear);
    return guest;
  }

  /** Takes the machine's events. */
  readonly hear = (event: VmEvent): void => {
    if (event.kind === 'serial') this.output += this.#decoder.decode(event.bytes);
    if (event.kind === 'exit') this.#exit = event;
    this.#arrived();
  };

  async #until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look();
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  /** Waits until the output from `from` on contains a text. */
  async see(text: string, from = 0): Promise<void> {
    const state = await this.#until(() => {
      if (this.output.indexOf(text, from) >= 0) return 'seen';
      return this.#exit !== undefined ? 'ended' : undefined;
    });
    if (state === 'ended') throw new Error(`the machine ended before it wrote ${JSON.stringify(text)}:\n${this.tail}`);
  }

  type(text: string): Promise<void> {
    return this.vm.serialInput(0, new TextEncoder().encode(text));
  }

  /** Types a command at the prompt; what it prints, when the next prompt has come. */
  async command(line: string): Promise<string> {
    const from = this.output.length;
    await this.type(`${line}\n`);
    await this.see(`\n${PROMPT}`, from);
    const [, ...lines] = this.output.slice(from).replaceAll('\r', '').split('\n');
    return lines.slice(0, -1).join('\n');
  }

  /** Long command lines are not wrapped, and the kernel does not write into the output of commands. */
  async preparePrompt(): Promise<void> {
    await this.command('stty cols 250; dmesg -n 1');
  }

  /** How the machine ended. */
  exit(): Promise<Exit> {
    return this.#until(() => this.#exit);
  }

  /** The last that it wrote, for messages. */
  get tail(): string {
    return this.output.slice(-2000);
  }
}
