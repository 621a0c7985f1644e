import { useEffect, useState } from 'react';
import { defaultSettings, loadSettings, type Settings, saveSettings } from './settings.ts';

/** The remembered settings; `undefined` for the moment it takes to read them. */
export function useSettings(): [Settings | undefined, (change: Partial<Settings>) => void] {
  const [settings, setSettings] = useState<Settings>();
  useEffect(() => {
    void loadSettings().then((loaded) => setSettings((changed) => changed ?? loaded));
  }, []);
  const change = (part: Partial<Settings>): void => {
    const next = { ...(settings ?? defaultSettings), ...part };
    setSettings(next);
    void saveSettings(next);
  };
  return [settings, change];
}
