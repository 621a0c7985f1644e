import 'react';

declare module 'react' {
  interface CSSProperties {
    /** Text size of the serial console. */
    '--console-size'?: string;
  }
}
