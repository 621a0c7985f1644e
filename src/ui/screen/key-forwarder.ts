/**
 * The person's keys on their way to the guest: by their place on the keyboard (`code`), never by the letter they type.
 * Keeps track of what the guest believes to be held, so that nothing stays down when the page loses the keyboard.
 */
import { keyByCode } from '../../input/keys.ts';

export type Platform = 'windows' | 'mac' | 'other';

/** What of a KeyboardEvent counts. */
export type KeyPress = Pick<
  KeyboardEvent,
  'code' | 'repeat' | 'timeStamp' | 'isComposing' | 'ctrlKey' | 'altKey' | 'shiftKey' | 'metaKey'
>;

/** A modifier of the on-screen keys: held for the next key, or until it is pressed again. */
export type Sticky = 'once' | 'locked';

type SendKey = (name: string, down: boolean) => void;

/** Keys of both sides that a modifier's flag in events stands for. */
const FLAGGED = {
  ctrlKey: ['ctrl', 'ctrl_r'],
  altKey: ['alt', 'alt_r'],
  shiftKey: ['shift', 'shift_r'],
  metaKey: ['meta_l', 'meta_r'],
} as const;
const MODIFIERS: ReadonlySet<string> = new Set(Object.values(FLAGGED).flat());

/** AltGr on Windows is a Ctrl that nobody pressed, and at the same time Alt on the right. */
const ALTGR_MS = 50;

export class KeyForwarder {
  private readonly send: SendKey;
  private readonly platform: Platform;
  private readonly held = new Set<string>();
  private readonly stuck = new Map<string, Sticky>();
  /** A Ctrl that may be the first half of AltGr. */
  private pendingCtrl: { readonly at: number; readonly timer: ReturnType<typeof setTimeout> } | undefined;

  /** Called when a sticky modifier changed. */
  onStickyChange: (() => void) | undefined;

  constructor(send: SendKey, platform: Platform) {
    this.send = send;
    this.platform = platform;
  }

  /** True: the key is the guest's, and the browser must not act on it. */
  down(event: KeyPress): boolean {
    const key = keyByCode(event.code);
    if (key === undefined || event.isComposing) return false;
    // The guest's keyboard repeats by itself.
    if (event.repeat) return true;
    if (this.platform === 'windows' && key.name === 'ctrl' && !this.held.has('ctrl')) {
      this.resolveCtrl(true);
      this.pendingCtrl = { at: event.timeStamp, timer: setTimeout(() => this.resolveCtrl(true), ALTGR_MS) };
      return true;
    }
    const pending = this.pendingCtrl;
    this.resolveCtrl(!(key.name === 'alt_r' && pending !== undefined && event.timeStamp - pending.at < ALTGR_MS));
    this.releaseLost(event, key.name);
    // A Mac reports Caps Lock as held while it is on; each change is one stroke.
    if (this.platform === 'mac' && key.name === 'caps_lock') this.strike('caps_lock');
    else this.press(key.name);
    return true;
  }

  up(event: KeyPress): boolean {
    const key = keyByCode(event.code);
    if (key === undefined) return false;
    this.resolveCtrl(true);
    if (this.platform === 'mac' && key.name === 'caps_lock') {
      this.strike('caps_lock');
      return true;
    }
    this.release(key.name);
    // A Mac does not report keys that go up while Command is held.
    if (this.platform === 'mac' && FLAGGED.metaKey.some((name) => name === key.name)) this.releaseKeys();
    return true;
  }

  /** A key of the screen's own row: down and up, with the modifiers that stick. */
  strike(...names: readonly string[]): void {
    for (const name of names) this.press(name);
    for (const name of [...names].reverse()) this.release(name);
  }

  /** Off, for the next key, until pressed again, off. */
  stick(name: string): void {
    const now = this.stuck.get(name);
    if (now === undefined) {
      this.stuck.set(name, 'once');
      this.press(name);
    } else if (now === 'once') {
      this.stuck.set(name, 'locked');
    } else {
      this.stuck.delete(name);
      this.release(name);
    }
    this.onStickyChange?.();
  }

  get sticky(): ReadonlyMap<string, Sticky> {
    return new Map(this.stuck);
  }

  /** The page lost the keyboard: nothing may stay down in the guest. */
  releaseAll(): void {
    this.resolveCtrl(false);
    const hadSticky = this.stuck.size > 0;
    this.stuck.clear();
    for (const name of [...this.held]) this.release(name);
    if (hadSticky) this.onStickyChange?.();
  }

  private press(name: string): void {
    if (this.held.has(name)) return;
    this.held.add(name);
    this.send(name, true);
  }

  private release(name: string): void {
    if (!this.held.has(name) || this.stuck.has(name)) return;
    this.held.delete(name);
    this.send(name, false);
    if (MODIFIERS.has(name)) return;
    const once = [...this.stuck].flatMap(([modifier, kind]) => (kind === 'once' ? [modifier] : []));
    for (const modifier of once) {
      this.stuck.delete(modifier);
      this.release(modifier);
    }
    if (once.length > 0) this.onStickyChange?.();
  }

  private releaseKeys(): void {
    for (const name of [...this.held]) if (!MODIFIERS.has(name)) this.release(name);
  }

  /** A modifier whose release went to another window. */
  private releaseLost(event: KeyPress, pressed: string): void {
    for (const [flag, names] of Object.entries(FLAGGED)) {
      if (event[flag as keyof typeof FLAGGED]) continue;
      for (const name of names) if (name !== pressed) this.release(name);
    }
  }

  private resolveCtrl(isReal: boolean): void {
    if (this.pendingCtrl === undefined) return;
    clearTimeout(this.pendingCtrl.timer);
    this.pendingCtrl = undefined;
    if (isReal) this.press('ctrl');
  }
}

export function platformOf(userAgent: string): Platform {
  if (/Windows/.test(userAgent)) return 'windows';
  return /Macintosh|iPhone|iPad/.test(userAgent) ? 'mac' : 'other';
}
