import { assertNever } from '../util/errors.ts';
import type { RunState } from '../vm/api.ts';
import type { Ending, Phase } from './machine-session.ts';

/** A machine's state in a word. */
export function runStateText(state: RunState | undefined): string {
  switch (state) {
    case undefined:
      return 'Off';
    case 'prelaunch':
      return 'Starting';
    case 'running':
      return 'Running';
    case 'paused':
      return 'Paused';
    case 'debug':
      return 'Stopped by a debugger';
    case 'suspended':
      return 'Suspended';
    case 'shutdown':
      return 'Shut down';
    case 'watchdog':
      return 'Paused by its watchdog';
    case 'internal-error':
      return 'Stopped on an error';
    case 'io-error':
      return 'Waiting for a disk';
    case 'guest-panicked':
      return 'Guest panicked';
    default:
      return assertNever(state, 'run state');
  }
}

/** Why a machine ended, as a sentence. */
export function endingText({ reason, code }: Ending): string {
  switch (reason) {
    case 'guest-shutdown':
      return 'The guest powered off.';
    case 'guest-reset':
      return 'The guest asked for a reset, and the machine was told to end then.';
    case 'debug-exit':
      return `The guest ended the machine with exit status ${code}.`;
    case 'guest-panic':
      return 'The guest’s kernel panicked; its last words are in the terminal.';
    case 'host-quit':
      return 'Powered off.';
    default:
      return assertNever(reason, 'reason of an exit');
  }
}

/** For screen readers, at each change. */
export function stateText(phase: Phase): string {
  if (phase.kind === 'on') return runStateText(phase.state);
  return phase.kind === 'ended' ? endingText(phase.ending) : '';
}
