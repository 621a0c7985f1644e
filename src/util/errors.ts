/** QMP's error classes (qapi/error.json): all but GenericError exist for clients that tell them apart. */
export type ErrorClass = 'GenericError' | 'CommandNotFound' | 'DeviceNotFound' | 'DeviceNotActive' | 'KVMMissingCap';

/**
 * A failure the user can act on. The message names the object and the value; `hint` says what to do.
 * Our own bugs are plain errors whose message starts with `BUG:`; a guest's faults are neither.
 */
export class VmError extends Error {
  readonly class: ErrorClass;
  readonly hint: string | undefined;

  constructor(message: string, options: { class?: ErrorClass; hint?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = 'VmError';
    this.class = options.class ?? 'GenericError';
    this.hint = options.hint;
  }
}

/** The end of an exhaustive switch: never reached unless the types lied. */
export function assertNever(x: never, what: string): never {
  throw new TypeError(`BUG: unhandled ${what}: ${String(x)}`);
}
