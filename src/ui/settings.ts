/** What the start screen remembers from one visit to the next. */
import { get, set } from 'idb-keyval';
import { type CardId, machineCards, ramChoices } from './machines.ts';

export interface Settings {
  readonly card: CardId;
  readonly ramMiB: number;
  /** The kernel's command line, where it was changed. */
  readonly append: Readonly<Partial<Record<CardId, string>>>;
}

export const defaultSettings: Settings = { card: 'linux-pc', ramMiB: 128, append: {} };

const KEY = 'lockstep.settings';

/** The stored settings, or the defaults for whatever is missing, of an older form, or not readable at all. */
export async function loadSettings(): Promise<Settings> {
  try {
    return settingsFrom(await get(KEY));
  } catch {
    return defaultSettings; // private windows may have no IndexedDB
  }
}

export async function saveSettings(settings: Settings): Promise<void> {
  try {
    await set(KEY, settings);
  } catch {
    // nothing is lost but the memory of a choice
  }
}

export function settingsFrom(stored: unknown): Settings {
  if (typeof stored !== 'object' || stored === null) return defaultSettings;
  const { card, ramMiB, append } = stored as Partial<Record<keyof Settings, unknown>>;
  const ids = machineCards.map(({ id }) => id);
  const texts = typeof append === 'object' && append !== null ? (append as Record<string, unknown>) : {};
  return {
    card: ids.find((id) => id === card) ?? defaultSettings.card,
    ramMiB: ramChoices.find((choice) => choice === ramMiB) ?? defaultSettings.ramMiB,
    append: Object.fromEntries(
      ids.filter((id) => typeof texts[id] === 'string').map((id) => [id, texts[id] as string]),
    ),
  };
}
