import type { ITheme } from '@xterm/xterm';

const dark: ITheme = {
  background: '#0b1116',
  foreground: '#d5dfe5',
  cursor: '#6fe3a5',
  cursorAccent: '#0b1116',
  selectionBackground: '#2c4a5c',
  black: '#1b2730',
  red: '#f0796f',
  green: '#6fe3a5',
  yellow: '#e3c56f',
  blue: '#72b3f0',
  magenta: '#cf95e8',
  cyan: '#67d0d6',
  white: '#d5dfe5',
  brightBlack: '#71858f',
  brightRed: '#ff9a91',
  brightGreen: '#96f2bf',
  brightYellow: '#f2d992',
  brightBlue: '#9accff',
  brightMagenta: '#e2b4f7',
  brightCyan: '#92e6eb',
  brightWhite: '#ffffff',
};

const light: ITheme = {
  background: '#fdfdfb',
  foreground: '#1c2a33',
  cursor: '#0b7a4b',
  cursorAccent: '#fdfdfb',
  selectionBackground: '#c3dced',
  black: '#1c2a33',
  red: '#b3372c',
  green: '#0b7a4b',
  yellow: '#8a6400',
  blue: '#1d62a8',
  magenta: '#8a3ea6',
  cyan: '#0d7278',
  white: '#6a7a84',
  brightBlack: '#5b6b75',
  brightRed: '#c8483c',
  brightGreen: '#128a58',
  brightYellow: '#997000',
  brightBlue: '#2a73bf',
  brightMagenta: '#9b4fb8',
  brightCyan: '#17828a',
  brightWhite: '#1c2a33',
};

/** The sixteen colours of the console, for both schemes of the page. */
export const themeOf = (isDark: boolean): ITheme => (isDark ? dark : light);
