/** Dark or light: the person's choice, else the system's. The style sheets follow the `color-scheme` of the root. */
import { onSettingsChange, settings } from './settings.ts';

const systemScheme = matchMedia('(prefers-color-scheme: dark)');

export function isDark(): boolean {
  const { theme } = settings();
  return theme === 'system' ? systemScheme.matches : theme === 'dark';
}

/** Calls back at each change of what isDark() says; returns how to end that. */
export function onThemeChange(listener: () => void): () => void {
  const endSettings = onSettingsChange(listener);
  systemScheme.addEventListener('change', listener);
  return () => {
    endSettings();
    systemScheme.removeEventListener('change', listener);
  };
}

/** Paints the page as the settings say, now and whenever they change. */
export function followTheme(): void {
  const apply = (): void => {
    document.documentElement.style.colorScheme = isDark() ? 'dark' : 'light';
    const colour = document.querySelector('meta[name="theme-color"]');
    colour?.setAttribute('content', getComputedStyle(document.body).backgroundColor);
  };
  apply();
  onThemeChange(apply);
}
