/** What a machine hands to whoever runs it, as events. */
import type { RunState, VmEvent } from './api.ts';
import type { AssembledMachine } from './assemble.ts';

export class Outputs {
  /** Set when the machine is started. */
  onEvent: (event: VmEvent) => void = () => {};
  private leds = 0;
  private absolutePointer = false;

  /** Hands on what the guest wrote since the last time; what it writes in its past was shown before. */
  flush({ serials, chardevs, screen, timeline }: AssembledMachine): void {
    const mode = screen?.refresh();
    if (mode !== undefined) this.onEvent({ kind: 'display', mode });
    for (const [port, { output }] of serials.entries()) {
      const bytes = output.take();
      if (bytes !== undefined && !timeline.inPast) this.onEvent({ kind: 'serial', port, bytes });
    }
    for (const [id, { output }] of chardevs) {
      const bytes = output.take();
      if (bytes !== undefined && !timeline.inPast) this.onEvent({ kind: 'chardev', id, bytes });
    }
  }

  showLeds(leds: number): void {
    if (leds === this.leds) return;
    this.leds = leds;
    this.onEvent({
      kind: 'leds',
      scrollLock: (leds & 1) !== 0,
      numLock: (leds & 2) !== 0,
      capsLock: (leds & 4) !== 0,
    });
  }

  showPointer(absolute: boolean): void {
    if (absolute === this.absolutePointer) return;
    this.absolutePointer = absolute;
    this.onEvent({ kind: 'pointer', absolute });
  }

  message(level: 'info' | 'warning' | 'error', text: string): void {
    this.onEvent({ kind: 'message', level, text });
  }

  state(state: RunState, reason?: string): void {
    this.onEvent(reason === undefined ? { kind: 'state', state } : { kind: 'state', state, reason });
  }
}
