/**
 * Fingers as a pointer. On a tablet of the guest the finger is the pen: a touch points, a tap clicks, a drag drags, a
 * long press is the right button. With a mouse the screen is a touch pad: a finger moves, a tap clicks, a long press
 * holds the left button for a drag. In both two fingers tap the right button or turn the wheel.
 */
import type { Area, PointerForwarder } from './pointer-forwarder.ts';

export type Touch = Pick<PointerEvent, 'pointerId' | 'clientX' | 'clientY'>;

const LEFT = 1;
const RIGHT = 2;
/** A finger that moved less than this has not moved, CSS pixels. */
const SLACK = 10;
const LONG_PRESS_MS = 500;
/** A finger's way on a touch pad is shorter than the pointer's. */
const MOUSE_SPEED = 1.5;

interface Finger {
  readonly startX: number;
  readonly startY: number;
  x: number;
  y: number;
}

export class TouchGestures {
  private readonly pointer: PointerForwarder;
  private readonly area: () => Area;
  private readonly isAbsolute: () => boolean;
  private readonly fingers = new Map<number, Finger>();
  private moved = false;
  private dragging = false;
  /** Most fingers that were down at a time since the first one. */
  private count = 0;
  private longPress: ReturnType<typeof setTimeout> | undefined;

  constructor(pointer: PointerForwarder, area: () => Area, isAbsolute: () => boolean) {
    this.pointer = pointer;
    this.area = area;
    this.isAbsolute = isAbsolute;
  }

  down({ pointerId, clientX, clientY }: Touch): void {
    this.fingers.set(pointerId, { startX: clientX, startY: clientY, x: clientX, y: clientY });
    this.count = Math.max(this.count, this.fingers.size);
    this.cancelLongPress();
    if (this.fingers.size > 1) return;
    this.moved = false;
    this.point(clientX, clientY);
    this.longPress = setTimeout(() => this.pressedLong(), LONG_PRESS_MS);
  }

  move({ pointerId, clientX, clientY }: Touch): void {
    const finger = this.fingers.get(pointerId);
    if (finger === undefined) return;
    if (!this.moved && Math.hypot(clientX - finger.startX, clientY - finger.startY) < SLACK) return;
    if (!this.moved) {
      this.moved = true;
      this.cancelLongPress();
      if (this.isAbsolute() && this.count === 1) this.drag();
    }
    const dx = clientX - finger.x;
    const dy = clientY - finger.y;
    finger.x = clientX;
    finger.y = clientY;
    if (this.fingers.size > 1) {
      // Both fingers report; the page under them moves with them.
      this.pointer.scroll({ deltaY: -dy / this.fingers.size, deltaMode: 0 });
    } else if (this.count === 1) {
      if (this.isAbsolute()) this.point(clientX, clientY);
      else this.pointer.move(dx * MOUSE_SPEED, dy * MOUSE_SPEED);
    }
  }

  up({ pointerId }: Touch): void {
    if (!this.fingers.delete(pointerId) || this.fingers.size > 0) return;
    const isTap = !this.moved && !this.dragging && this.count > 0;
    if (this.dragging) this.pointer.press(0);
    else if (isTap) this.pointer.click(this.count === 1 ? LEFT : RIGHT);
    this.end();
  }

  /** The browser took the touch for something else. */
  cancel(): void {
    this.fingers.clear();
    this.pointer.releaseAll();
    this.end();
  }

  private pressedLong(): void {
    this.longPress = undefined;
    if (this.isAbsolute()) {
      this.pointer.click(RIGHT);
      this.count = 0; // what this touch was for is done
    } else {
      this.drag();
    }
  }

  private drag(): void {
    this.dragging = true;
    this.pointer.press(LEFT);
  }

  private point(clientX: number, clientY: number): void {
    if (this.isAbsolute()) this.pointer.moveTo(clientX, clientY, this.area());
  }

  private end(): void {
    this.cancelLongPress();
    this.dragging = false;
    this.moved = false;
    this.count = 0;
  }

  private cancelLongPress(): void {
    clearTimeout(this.longPress);
    this.longPress = undefined;
  }
}
