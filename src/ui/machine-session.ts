/**
 * One machine at a time, from the choice in the library to its end: what the page shows is a function of `view`.
 * Knows neither React nor the DOM; the machine itself runs elsewhere, behind the client.
 */
import type { DriveView, ImageSource, RunState, SharedScreen, VmEvent, VmOptions, VmStatus } from '../vm/api.ts';
import type { VmClient } from '../vm/client.ts';
import type { Progress } from './guest-files.ts';
import { OutputFeed, type Schedule } from './output-feed.ts';
import type { GuestDevices } from './screen/guest-devices.ts';
import { type Trouble, troubleOf } from './trouble.ts';

/** A machine ready to be fetched and started. */
export interface Launch {
  /** Of the machine, in the library. */
  readonly id: string;
  readonly title: string;
  readonly args: readonly string[];
  /** Brings the files that `args` names. */
  load(onProgress: (progress: Progress) => void, signal: AbortSignal): Promise<Omit<VmOptions, 'args'>>;
}

export type Phase =
  | { readonly kind: 'choosing' }
  | { readonly kind: 'loading'; readonly downloads: readonly Progress[] }
  | { readonly kind: 'on'; readonly state: RunState }
  | { readonly kind: 'ended'; readonly ending: Ending };

export type Ending = Omit<Extract<VmEvent, { kind: 'exit' }>, 'kind'>;

export interface Notice {
  readonly id: number;
  readonly level: 'info' | 'warning' | 'error';
  readonly text: string;
}

export interface SessionView {
  readonly phase: Phase;
  /** Counts power-ons, so that each has a terminal of its own. */
  readonly run: number;
  /** The machine that it is about; undefined before the first. */
  readonly id: string | undefined;
  readonly title: string;
  readonly status: VmStatus | undefined;
  /** What the display adapter shows; undefined: the machine has none. */
  readonly screen: SharedScreen | undefined;
  /** Why the last attempt to start a machine failed. */
  readonly trouble: Trouble | undefined;
  readonly notices: readonly Notice[];
  /** The guest's pointer takes places on its screen, not motion. */
  readonly absolutePointer: boolean;
  /** What the machine plays; undefined: nothing. */
  readonly sound: { readonly ring: SharedArrayBuffer; readonly rate: number } | undefined;
}

export interface SessionSurroundings {
  createVm(): VmClient;
  /** Resolves when there is a screen that takes the output. */
  screenReady(output: OutputFeed): Promise<void>;
  /** A file that the machine made, for the person to keep. */
  saveFile(name: string, bytes: Uint8Array): void;
  readonly schedule: Schedule;
}

const CONSOLE_PORT = 0;
const MAX_NOTICES = 4;
/** A worker that does not answer `quit` by then is ended all the same. */
const QUIT_PATIENCE_MS = 3000;

export class MachineSession {
  private readonly surroundings: SessionSurroundings;
  private readonly listeners = new Set<() => void>();
  private current: SessionView = {
    phase: { kind: 'choosing' },
    run: 0,
    id: undefined,
    title: '',
    status: undefined,
    screen: undefined,
    trouble: undefined,
    notices: [],
    absolutePointer: false,
    sound: undefined,
  };
  private feed: OutputFeed;
  private vm: VmClient | undefined;
  private launch: Launch | undefined;
  private loading: AbortController | undefined;
  private noticeCount = 0;

  constructor(surroundings: SessionSurroundings) {
    this.surroundings = surroundings;
    this.feed = new OutputFeed(surroundings.schedule);
  }

  get view(): SessionView {
    return this.current;
  }

  /** What the guest writes to its first serial port. A new one for every power-on. */
  get output(): OutputFeed {
    return this.feed;
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /**
   * Fetches what the machine needs and powers it on; it runs once its screen is there, so that the page does not compete
   * with it for the processor while it lays that out. What fails is in `view.trouble`.
   */
  async start(launch: Launch): Promise<void> {
    this.release();
    this.launch = launch;
    const loading = new AbortController();
    this.loading = loading;
    const { id, title } = launch;
    this.show({ phase: { kind: 'loading', downloads: [] }, id, title, trouble: undefined, notices: [] });
    try {
      const brought = await launch.load((progress) => {
        if (!loading.signal.aborted) this.progressed(progress);
      }, loading.signal);
      loading.signal.throwIfAborted();
      this.feed = new OutputFeed(this.surroundings.schedule);
      const vm = this.surroundings.createVm();
      this.vm = vm;
      const staysPaused = launch.args.includes('-S');
      const sound = launch.args.includes('-audiodev') ? [] : ['-audiodev', 'web,id=page'];
      const args = [...launch.args, ...sound, ...(staysPaused ? [] : ['-S'])];
      await vm.start({ args, ...brought }, (event) => {
        if (this.vm === vm) this.receive(event);
      });
      const screen = await vm.screen();
      if (this.vm !== vm) return;
      this.show({ screen });
      this.poweredOn();
      await this.surroundings.screenReady(this.feed);
      if (this.vm === vm && !staysPaused) await vm.resume();
    } catch (error) {
      if (loading.signal.aborted) return;
      this.release();
      this.show({ phase: { kind: 'choosing' }, trouble: troubleOf(error) });
    }
  }

  /** The same machine once more, from power-on. */
  async startAgain(): Promise<void> {
    if (this.launch !== undefined) await this.start(this.launch);
  }

  /** Ends whatever runs or loads, without asking, and goes back to the choice. */
  leave(): void {
    this.release();
    this.show({ phase: { kind: 'choosing' }, trouble: undefined, notices: [], status: undefined });
  }

  /** The figures that stay on view are those of the moment it stopped at. */
  pause(): Promise<void> {
    return this.ask(async (vm) => {
      await vm.pause();
      const status = await vm.status();
      if (this.vm === vm) this.show({ status });
    });
  }
  resume(): Promise<void> {
    return this.ask((vm) => vm.resume());
  }
  /** A machine that stopped on an error runs again after it; one that is paused stays so. */
  reset(): Promise<void> {
    const failed = this.current.phase.kind === 'on' && this.current.phase.state === 'internal-error';
    return this.ask(async (vm) => {
      await vm.reset();
      if (failed) await vm.resume();
    });
  }
  type(bytes: Uint8Array): void {
    if (this.current.phase.kind === 'on') void this.ask((vm) => vm.serialInput(CONSOLE_PORT, bytes));
  }

  /** The guest's keyboard and pointer. */
  readonly devices: GuestDevices = {
    key: (name, down) => this.give((vm) => vm.key(name, down)),
    pointer: (event) => this.give((vm) => vm.pointer(event)),
    type: (codes) => this.give((vm) => vm.type(codes)),
  };
  private give(request: (vm: VmClient) => Promise<void>): void {
    if (this.current.phase.kind === 'on') void this.ask(request);
  }

  /** As the button on the case does: the guest shuts down, if it listens to ACPI. */
  async powerButton(): Promise<void> {
    await this.ask(async (vm) => void (await vm.monitor('system_powerdown')));
  }

  async drives(): Promise<readonly DriveView[]> {
    return (await this.vm?.drives()) ?? [];
  }
  /** Throws a VmError if the drive or the image is refused. */
  async insert(device: string, file: string, source: ImageSource): Promise<void> {
    await this.vm?.changeMedium(device, file, { source });
  }
  async eject(device: string): Promise<void> {
    await this.vm?.ejectMedium(device);
  }

  async powerOff(): Promise<void> {
    const { vm } = this;
    if (vm === undefined) return;
    const gaveUp = setTimeout(() => {
      if (this.vm === vm) this.end({ code: 0, reason: 'host-quit' });
    }, QUIT_PATIENCE_MS);
    await this.ask((machine) => machine.quit());
    clearTimeout(gaveUp);
    if (this.vm === vm) this.end({ code: 0, reason: 'host-quit' });
  }

  /** A monitor command's output, or the message of its failure. */
  async monitor(line: string): Promise<string> {
    if (this.vm === undefined) return 'There is no machine.\n';
    try {
      return await this.vm.monitor(line);
    } catch (error) {
      return `${troubleOf(error).message}\n`;
    }
  }

  dismiss(id: number): void {
    this.show({ notices: this.current.notices.filter((notice) => notice.id !== id) });
  }

  private async ask(request: (vm: VmClient) => Promise<void>): Promise<void> {
    const { vm } = this;
    if (vm === undefined) return;
    try {
      await request(vm);
    } catch (error) {
      if (this.vm !== vm) return;
      const { message, hint } = troubleOf(error);
      this.notify('error', hint === undefined ? message : `${message}. ${hint}`);
    }
  }

  private receive(event: VmEvent): void {
    switch (event.kind) {
      case 'serial':
        if (event.port === CONSOLE_PORT) this.feed.push(event.bytes);
        break;
      case 'display':
        break;
      case 'file':
        this.surroundings.saveFile(event.name, event.bytes);
        break;
      case 'chardev':
        break; // the page's machines have none
      case 'audio-ring':
        this.show({ sound: { ring: event.ring, rate: event.rate } });
        break;
      case 'pointer':
        this.show({ absolutePointer: event.absolute });
        break;
      case 'status':
        this.show({ status: event.status });
        break;
      case 'state':
        this.poweredOn();
        if (this.current.phase.kind === 'on') this.show({ phase: { kind: 'on', state: event.state } });
        if (event.state === 'internal-error')
          this.notify('error', 'The machine stopped on an error. Reset it to go on.');
        if (event.state === 'io-error')
          this.notify(
            'warning',
            'The machine waits: what it writes finds no room in this browser. Free some on the storage page, then resume it; nothing is lost.',
          );
        break;
      case 'message':
        this.notify(event.level, event.text);
        break;
      case 'exit':
        this.poweredOn();
        this.end({ code: event.code, reason: event.reason });
        break;
    }
  }

  private poweredOn(): void {
    if (this.current.phase.kind !== 'loading') return;
    this.show({
      phase: { kind: 'on', state: 'prelaunch' },
      run: this.current.run + 1,
      status: undefined,
      absolutePointer: false,
    });
  }

  private end(ending: Ending): void {
    this.show({ phase: { kind: 'ended', ending } });
    this.release();
  }

  private release(): void {
    this.loading?.abort();
    this.loading = undefined;
    const { vm } = this;
    this.vm = undefined;
    vm?.dispose();
  }

  private progressed(progress: Progress): void {
    const { phase } = this.current;
    if (phase.kind !== 'loading') return;
    const known = phase.downloads.some(({ name }) => name === progress.name);
    const downloads = known
      ? phase.downloads.map((download) => (download.name === progress.name ? progress : download))
      : [...phase.downloads, progress];
    this.show({ phase: { kind: 'loading', downloads } });
  }

  private notify(level: Notice['level'], text: string): void {
    const notice = { id: this.noticeCount++, level, text };
    const others = this.current.notices.filter((shown) => shown.text !== text);
    this.show({ notices: [...others, notice].slice(-MAX_NOTICES) });
  }

  private show(change: Partial<SessionView>): void {
    this.current = { ...this.current, ...change };
    for (const listener of this.listeners) listener();
  }
}
