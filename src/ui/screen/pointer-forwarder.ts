/**
 * Mouse and pen on their way to the guest. Motion is summed up and sent once a frame, presses at once and after the
 * motion that came before them.
 */
import type { PointerEvent as GuestPointerEvent } from '../../input/pointer.ts';

/** A rectangle of the page, as getBoundingClientRect gives it. */
export type Area = Pick<DOMRect, 'left' | 'top' | 'width' | 'height'>;

export interface PointerOutput {
  send(event: GuestPointerEvent): void;
  /** Calls back with the next frame. */
  schedule(callback: () => void): void;
}

const PLACES = 0x7fff;
/** Pixels of a wheel event that make a step; touch pads send a few at a time. */
const WHEEL_PIXELS = 60;
const WHEEL_LINES = 3;

export class PointerForwarder {
  private readonly output: PointerOutput;
  private dx = 0;
  private dy = 0;
  private place: { x: number; y: number } | undefined;
  private wheel = 0;
  private buttons = 0;
  private scheduled = false;

  constructor(output: PointerOutput) {
    this.output = output;
  }

  /** Motion of the mouse itself. Fractions are kept for later. */
  move(dx: number, dy: number): void {
    this.dx += dx;
    this.dy += dy;
    this.later();
  }

  /** A point of the page over the screen. */
  moveTo(clientX: number, clientY: number, area: Area): void {
    this.place = { x: scaled(clientX - area.left, area.width), y: scaled(clientY - area.top, area.height) };
    this.later();
  }

  /** All buttons that are down, as `PointerEvent.buttons` has them: the same bits as the guest's. */
  press(buttons: number): void {
    const guestButtons = buttons & 0x1f;
    if (guestButtons === this.buttons) return;
    this.buttons = guestButtons;
    this.flush();
    this.output.send({ buttons: guestButtons });
  }

  click(button: number): void {
    this.press(this.buttons | button);
    this.press(this.buttons & ~button);
  }

  scroll({ deltaY, deltaMode }: Pick<WheelEvent, 'deltaY' | 'deltaMode'>): void {
    const unit = deltaMode === 0 ? WHEEL_PIXELS : deltaMode === 1 ? WHEEL_LINES : 1;
    // A change of direction starts anew.
    if (Math.sign(deltaY) !== Math.sign(this.wheel)) this.wheel = 0;
    this.wheel += deltaY / unit;
    this.later();
  }

  /** The page lost the pointer: no button may stay down in the guest. */
  releaseAll(): void {
    this.press(0);
    this.wheel = 0;
  }

  private later(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.output.schedule(() => {
      this.scheduled = false;
      this.flush();
    });
  }

  private flush(): void {
    const dx = whole(this.dx);
    const dy = whole(this.dy);
    const dz = whole(this.wheel);
    this.dx -= dx;
    this.dy -= dy;
    this.wheel -= dz;
    const motion = this.place ?? (dx !== 0 || dy !== 0 ? { dx, dy } : {});
    this.place = undefined;
    const event = { ...motion, ...(dz !== 0 && { dz }) };
    if (Object.keys(event).length > 0) this.output.send(event);
  }
}

/** Never -0. */
const whole = (value: number): number => Math.trunc(value) + 0;

function scaled(offset: number, length: number): number {
  if (length <= 1) return 0;
  return Math.round((Math.max(0, Math.min(length - 1, offset)) / (length - 1)) * PLACES);
}
