/** VmErrors across the boundary of a worker: Comlink keeps only name, message and stack of what is thrown. */
import { type ErrorClass, VmError } from '../util/errors.ts';

const MARK = 'lockstepVmError';

interface RemoteVmError {
  readonly [MARK]: true;
  readonly message: string;
  readonly class: ErrorClass;
  readonly hint: string | undefined;
}

/** What to throw in the worker: Comlink passes thrown values that are no errors as they are. */
export function toRemote(error: unknown): unknown {
  if (!(error instanceof VmError)) return error;
  return { [MARK]: true, message: error.message, class: error.class, hint: error.hint } satisfies RemoteVmError;
}

/** The same error again, on the page. */
export function fromRemote(thrown: unknown): unknown {
  if (typeof thrown !== 'object' || thrown === null || !(MARK in thrown)) return thrown;
  const { message, class: errorClass, hint } = thrown as RemoteVmError;
  return new VmError(message, { class: errorClass, hint });
}
