/** What the page remembers of a person's taste. In localStorage: known before the first paint, told to the other tabs. */

export const themes = ['system', 'light', 'dark'] as const;
/** How a guest's screen fills its place: as large as fits, by whole pixels, or one to one. */
export const scalings = ['fit', 'integer', 'none'] as const;
export const scalingTexts = { fit: 'As large as fits', integer: 'Whole pixels', none: 'One to one' } as const;
export const fontSizes = [11, 12, 13, 14, 16, 18] as const;

export interface Settings {
  readonly theme: (typeof themes)[number];
  readonly scaling: (typeof scalings)[number];
  /** Smooth edges where the screen is not shown by whole pixels. */
  readonly smooth: boolean;
  /** Of the serial console, CSS pixels. */
  readonly fontSize: (typeof fontSizes)[number];
  /** Ask before a machine that runs is reset or powered off. */
  readonly confirm: boolean;
  /** Memory of a new machine, MiB. */
  readonly ramMiB: number;
}

export const defaultSettings: Settings = {
  theme: 'system',
  scaling: 'fit',
  smooth: true,
  fontSize: 14,
  confirm: true,
  ramMiB: 128,
};

const KEY = 'lockstep.preferences';

/** What is stored as text, or the default for whatever is missing, of an older form, or not readable at all. */
export function settingsFrom(text: string | null): Settings {
  let stored: unknown;
  try {
    stored = JSON.parse(text ?? 'null');
  } catch {
    return defaultSettings;
  }
  if (typeof stored !== 'object' || stored === null) return defaultSettings;
  const { theme, scaling, smooth, fontSize, confirm, ramMiB } = stored as Partial<Record<keyof Settings, unknown>>;
  return {
    theme: themes.find((known) => known === theme) ?? defaultSettings.theme,
    scaling: scalings.find((known) => known === scaling) ?? defaultSettings.scaling,
    smooth: typeof smooth === 'boolean' ? smooth : defaultSettings.smooth,
    fontSize: fontSizes.find((known) => known === fontSize) ?? defaultSettings.fontSize,
    confirm: typeof confirm === 'boolean' ? confirm : defaultSettings.confirm,
    ramMiB: typeof ramMiB === 'number' && ramMiB >= 1 && ramMiB <= 2047 ? ramMiB : defaultSettings.ramMiB,
  };
}

let current: Settings | undefined;
const listeners = new Set<() => void>();

export function settings(): Settings {
  current ??= settingsFrom(readStored());
  return current;
}

export function changeSettings(change: Partial<Settings>): void {
  current = { ...settings(), ...change };
  try {
    localStorage.setItem(KEY, JSON.stringify(current));
  } catch {
    // a private window: nothing is lost but the memory of a choice
  }
  for (const listener of listeners) listener();
}

export function onSettingsChange(listener: () => void): () => void {
  const stored = (event: StorageEvent): void => {
    if (event.key !== KEY) return;
    current = undefined;
    listener();
  };
  listeners.add(listener);
  window.addEventListener('storage', stored);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('storage', stored);
  };
}

function readStored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
