import { type AnyCommand, anyCommand } from '../command.ts';
import { cont, quit, stop, systemReset } from './run-state.ts';
import { queryName, queryStatus, queryUuid, queryVersion } from './status.ts';

/** Every command, by QMP's names. */
export const commands: readonly AnyCommand[] = [
  anyCommand(cont),
  anyCommand(queryName),
  anyCommand(queryStatus),
  anyCommand(queryUuid),
  anyCommand(queryVersion),
  anyCommand(quit),
  anyCommand(stop),
  anyCommand(systemReset),
];
