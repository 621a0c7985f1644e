/** Keys for the page's own commands. All else belongs to the guest. */

export type Command =
  | 'pause'
  | 'reset'
  | 'power-off'
  | 'search'
  | 'monitor'
  | 'fullscreen'
  | 'media'
  | 'help'
  | 'focus';

export interface Shortcut {
  readonly command: Command;
  /** As shown: 'Ctrl+Alt+P'. */
  readonly keys: string;
  readonly what: string;
}

/** What of a KeyboardEvent tells a shortcut. */
export type KeyPress = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'altKey' | 'shiftKey' | 'metaKey'> & {
  getModifierState(key: string): boolean;
};

export const shortcuts: readonly Shortcut[] = [
  { command: 'pause', keys: 'Ctrl+Alt+P', what: 'Pause, resume' },
  { command: 'reset', keys: 'Ctrl+Alt+R', what: 'Reset' },
  { command: 'power-off', keys: 'Ctrl+Alt+O', what: 'Power off' },
  { command: 'search', keys: 'Ctrl+F', what: 'Search the terminal' },
  { command: 'monitor', keys: 'Ctrl+Alt+M', what: 'Monitor' },
  { command: 'fullscreen', keys: 'Ctrl+Alt+F', what: 'Full screen, and back' },
  { command: 'media', keys: 'Ctrl+Alt+D', what: 'CDs and floppies' },
  { command: 'focus', keys: 'Ctrl+Alt+B', what: 'From the machine to the buttons, and back' },
  { command: 'help', keys: 'Ctrl+Alt+H', what: 'This help' },
];

export const keysOf = (command: Command): string => shortcuts.find((row) => row.command === command)?.keys ?? '';

/** The command that a key press means, if any. */
export function commandOf(event: KeyPress): Command | undefined {
  // AltGr reports itself as Ctrl+Alt on Windows, where it types letters.
  if (event.metaKey || !event.ctrlKey || event.getModifierState('AltGraph')) return undefined;
  const modifiers = `Ctrl+${event.altKey ? 'Alt+' : ''}${event.shiftKey ? 'Shift+' : ''}`;
  return shortcuts.find(({ keys }) => keys === modifiers + letterOf(event))?.command;
}

/** By the letter it types; where that is none (Option on a Mac, a Greek layout), by the key's place. */
function letterOf({ key, code }: KeyPress): string {
  return (/^[a-z]$/i.test(key) ? key : code.replace(/^Key/, '')).toUpperCase();
}
