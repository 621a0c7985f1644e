import { type ReactNode, useEffect, useRef, useState } from 'react';
import { typingOf } from '../../input/typing.ts';
import type { GuestDevices } from './guest-devices.ts';
import type { KeyForwarder, Sticky } from './key-forwarder.ts';
import { TypeText } from './type-text.tsx';

interface ScreenKeysProps {
  readonly keys: KeyForwarder;
  readonly devices: GuestDevices;
}

const MODIFIERS = [
  ['ctrl', 'Ctrl'],
  ['alt', 'Alt'],
  ['shift', 'Shift'],
  ['meta_l', 'Super'],
] as const;
const KEYS = [
  ['esc', 'Esc'],
  ['tab', 'Tab'],
  ['delete', 'Del'],
  ['left', '←', 'Left'],
  ['up', '↑', 'Up'],
  ['down', '↓', 'Down'],
  ['right', '→', 'Right'],
] as const;
const MORE_KEYS = [
  ...Array.from({ length: 12 }, (_, i) => [`f${i + 1}`, `F${i + 1}`] as const),
  ['home', 'Home'],
  ['end', 'End'],
  ['pgup', 'PgUp', 'Page up'],
  ['pgdn', 'PgDn', 'Page down'],
  ['insert', 'Ins', 'Insert'],
  ['print', 'PrtSc', 'Print screen'],
  ['pause', 'Pause'],
  ['ret', 'Enter'],
] as const;

const STICKY_TEXT: Readonly<Record<Sticky, string>> = { once: 'held for the next key', locked: 'held' };

/** Keys that a phone has not, or that the browser keeps for itself. */
export function ScreenKeys({ keys, devices }: ScreenKeysProps) {
  const [sticky, setSticky] = useState(keys.sticky);
  const [more, setMore] = useState(false);
  const [typing, setTyping] = useState(false);
  useEffect(() => {
    keys.onStickyChange = () => setSticky(keys.sticky);
    return () => {
      keys.onStickyChange = undefined;
    };
  }, [keys]);
  const key = ([name, text, label]: readonly [string, string, string?]) => (
    <ScreenKey key={name} label={label ?? text} onPress={() => keys.strike(name)}>
      {text}
    </ScreenKey>
  );
  return (
    <div className="screen-keys">
      <div className="screen-keys-row" role="toolbar" aria-label="Keys">
        <SoftKeyboard keys={keys} devices={devices} />
        {MODIFIERS.map(([name, text]) => {
          const state = sticky.get(name);
          return (
            <ScreenKey
              key={name}
              label={state === undefined ? text : `${text}, ${STICKY_TEXT[state]}`}
              sticky={state ?? 'off'}
              onPress={() => keys.stick(name)}
            >
              {text}
            </ScreenKey>
          );
        })}
        {KEYS.map(key)}
        <ScreenKey label="Ctrl+Alt+Del" onPress={() => keys.strike('ctrl', 'alt', 'delete')}>
          Ctrl+Alt+Del
        </ScreenKey>
        <ScreenKey label="More keys" expanded={more} onPress={() => setMore(!more)}>
          F1…
        </ScreenKey>
        <ScreenKey label="Type a text" expanded={typing} onPress={() => setTyping(!typing)}>
          Paste
        </ScreenKey>
      </div>
      {more && (
        <>
          <div className="screen-keys-row" role="toolbar" aria-label="More keys">
            {MORE_KEYS.map(key)}
          </div>
          <p className="screen-keys-note">
            The browser keeps some keys for itself, such as Ctrl+W, Ctrl+T, Ctrl+N and the Windows or Command key. In
            full screen Chrome and Edge hand them on; these buttons always do.
          </p>
        </>
      )}
      {typing && <TypeText onType={(codes) => devices.type(codes)} onClose={() => setTyping(false)} />}
    </div>
  );
}

interface ScreenKeyProps {
  readonly label: string;
  readonly sticky?: Sticky | 'off';
  readonly expanded?: boolean;
  readonly children: ReactNode;
  onPress(): void;
}

/** Pressed with a mouse or a finger it does not take the focus from the screen. */
function ScreenKey({ label, sticky, expanded, children, onPress }: ScreenKeyProps) {
  return (
    <button
      type="button"
      className="screen-key"
      aria-label={label}
      aria-pressed={sticky === undefined ? undefined : sticky !== 'off'}
      aria-expanded={expanded}
      data-sticky={sticky}
      onPointerDown={(event) => event.preventDefault()}
      onMouseDown={(event) => event.preventDefault()}
      onClick={onPress}
    >
      {children}
    </button>
  );
}

/** Brings up a phone's keyboard. What it writes is typed; there is always something to delete. */
function SoftKeyboard({ keys, devices }: ScreenKeysProps) {
  const field = useRef<HTMLTextAreaElement>(null);
  const take = (event: InputEvent): void => {
    if (event.inputType === 'insertLineBreak') keys.strike('ret');
    else if (event.inputType === 'deleteContentBackward') keys.strike('backspace');
    else if (event.data !== null) send(event.data);
    reset();
  };
  function send(text: string): void {
    const [only, more] = text;
    const { codes } = typingOf(text);
    // One key may go with a modifier that sticks.
    if (keys.sticky.size > 0 && only !== undefined && more === undefined && /[a-z0-9]/i.test(only)) {
      keys.strike(only.toLowerCase());
    } else {
      devices.type(codes);
    }
  }
  function reset(): void {
    if (field.current !== null) field.current.value = ' ';
  }
  return (
    <>
      <textarea
        ref={field}
        className="soft-keyboard"
        aria-label="Text for the machine"
        tabIndex={-1}
        autoCapitalize="off"
        autoComplete="off"
        autoCorrect="off"
        spellCheck={false}
        defaultValue=" "
        onInput={(event) => take(event.nativeEvent as InputEvent)}
      />
      <button type="button" className="screen-key soft-only" onClick={() => field.current?.focus()}>
        Keyboard
      </button>
    </>
  );
}
