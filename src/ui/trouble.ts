/** A failure as the page shows it: what happened, and what to do. */
import { VmError } from '../util/errors.ts';

export interface Trouble {
  readonly message: string;
  readonly hint: string | undefined;
}

export function troubleOf(error: unknown): Trouble {
  if (error instanceof VmError) return { message: error.message, hint: error.hint };
  if (error instanceof RangeError && /memory|allocation/i.test(error.message)) {
    return {
      message: `The browser gave no memory for the machine: ${error.message}`,
      hint: 'Choose less RAM, or close other tabs.',
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { message, hint: 'This should not happen. Reload the page; if it comes again, please report it.' };
}
