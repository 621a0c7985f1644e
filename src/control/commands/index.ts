import { type AnyCommand, anyCommand } from '../command.ts';
import { balloon, queryBalloon } from './balloon.ts';
import { blockResize, changeMedium, eject, queryBlock, queryBlockstats } from './block.ts';
import { queryMice, sendKey } from './input.ts';
import { cont, injectNmi, quit, stop, systemPowerdown, systemReset, systemWakeup } from './run-state.ts';
import { screendump } from './screen.ts';
import { queryName, queryStatus, queryUuid, queryVersion } from './status.ts';

/** Every command, by QMP's names. */
export const commands: readonly AnyCommand[] = [
  anyCommand(balloon),
  anyCommand(blockResize),
  anyCommand(changeMedium),
  anyCommand(cont),
  anyCommand(eject),
  anyCommand(injectNmi),
  anyCommand(queryBalloon),
  anyCommand(queryBlock),
  anyCommand(queryBlockstats),
  anyCommand(queryMice),
  anyCommand(queryName),
  anyCommand(queryStatus),
  anyCommand(queryUuid),
  anyCommand(queryVersion),
  anyCommand(quit),
  anyCommand(screendump),
  anyCommand(sendKey),
  anyCommand(stop),
  anyCommand(systemPowerdown),
  anyCommand(systemReset),
  anyCommand(systemWakeup),
];
