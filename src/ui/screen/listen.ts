/** Connects an element's keys, mouse and fingers to the guest. */
import type { GuestDevices } from './guest-devices.ts';
import { KeyForwarder, platformOf } from './key-forwarder.ts';
import { PointerForwarder } from './pointer-forwarder.ts';
import { TouchGestures } from './touch-gestures.ts';

/** Gives the mouse to the guest, or back: QEMU's. */
const isGrabKey = ({ ctrlKey, altKey, code }: KeyboardEvent): boolean => ctrlKey && altKey && code === 'KeyG';

/** Chromium's Keyboard Lock, which gives a page in full screen the keys that the browser keeps for itself. */
interface KeyboardLock {
  lock?(): Promise<void>;
  unlock?(): void;
}

/** What of the person's the guest has. */
export interface Holding {
  readonly focused: boolean;
  readonly locked: boolean;
}

export interface Listening {
  readonly keys: KeyForwarder;
  stop(): void;
}

interface ListenOptions {
  /** The screen itself; its place on the page is the guest's screen. */
  readonly element: HTMLElement;
  readonly devices: GuestDevices;
  isAbsolute(): boolean;
  onHolding(holding: Holding): void;
}

export function listen({ element, devices, isAbsolute, onHolding }: ListenOptions): Listening {
  const keys = new KeyForwarder((name, down) => devices.key(name, down), platformOf(navigator.userAgent));
  const pointer = new PointerForwarder({
    send: (event) => devices.pointer(event),
    schedule: (callback) => void requestAnimationFrame(callback),
  });
  const area = (): DOMRect => element.getBoundingClientRect();
  const touch = new TouchGestures(pointer, area, isAbsolute);
  const isLocked = (): boolean => document.pointerLockElement === element;

  function releaseAll(): void {
    keys.releaseAll();
    pointer.releaseAll();
  }
  function grab(): void {
    // Refused while the browser shows its own notice; the next click asks again.
    const asked: Promise<void> | undefined = element.requestPointerLock() as Promise<void> | undefined;
    asked?.catch(() => {});
  }
  function mouse(event: PointerEvent): void {
    if (isAbsolute()) pointer.moveTo(event.clientX, event.clientY, area());
    else if (isLocked()) pointer.move(event.movementX, event.movementY);
    else return;
    pointer.press(event.buttons);
  }

  const stopped = new AbortController();
  const { signal } = stopped;
  const on = <K extends keyof HTMLElementEventMap>(kind: K, listener: (event: HTMLElementEventMap[K]) => void): void =>
    element.addEventListener(kind, listener, { signal, passive: false });

  on('keydown', (event) => {
    if (isGrabKey(event)) {
      keys.releaseAll();
      if (isLocked()) document.exitPointerLock();
      else if (!isAbsolute()) grab();
      event.preventDefault();
    } else if (keys.down(event)) {
      event.preventDefault();
    }
  });
  on('keyup', (event) => {
    if (keys.up(event)) event.preventDefault();
  });
  const tell = (): void => onHolding({ focused: document.activeElement === element, locked: isLocked() });
  element.classList.add('takes-input');
  on('focus', tell);
  on('blur', () => {
    releaseAll();
    tell();
  });
  on('pointerdown', (event) => {
    element.focus({ preventScroll: true });
    event.preventDefault();
    if (event.pointerType === 'touch') {
      element.setPointerCapture(event.pointerId);
      touch.down(event);
    } else if (isAbsolute()) {
      element.setPointerCapture(event.pointerId);
      mouse(event);
    } else if (isLocked()) {
      mouse(event);
    } else {
      grab(); // this click is for the page
    }
  });
  on('pointermove', (event) => (event.pointerType === 'touch' ? touch.move(event) : mouse(event)));
  on('pointerup', (event) => (event.pointerType === 'touch' ? touch.up(event) : mouse(event)));
  on('pointercancel', (event) => (event.pointerType === 'touch' ? touch.cancel() : pointer.releaseAll()));
  on('contextmenu', (event) => event.preventDefault());
  on('wheel', (event) => {
    if (!isAbsolute() && !isLocked()) return;
    event.preventDefault();
    pointer.scroll(event);
  });

  const { keyboard } = navigator as Navigator & { readonly keyboard?: KeyboardLock };
  document.addEventListener(
    'fullscreenchange',
    () => {
      if (document.fullscreenElement?.contains(element)) keyboard?.lock?.().catch(() => {});
      else keyboard?.unlock?.();
    },
    { signal },
  );
  document.addEventListener(
    'pointerlockchange',
    () => {
      if (!isLocked()) releaseAll();
      tell();
    },
    { signal },
  );
  window.addEventListener('blur', releaseAll, { signal });
  document.addEventListener('visibilitychange', releaseAll, { signal });
  return {
    keys,
    stop() {
      if (isLocked()) document.exitPointerLock();
      stopped.abort();
      releaseAll();
    },
  };
}
