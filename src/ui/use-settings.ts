import { useSyncExternalStore } from 'react';
import { onSettingsChange, type Settings, settings } from './settings.ts';

export function useSettings(): Settings {
  return useSyncExternalStore(onSettingsChange, settings);
}
