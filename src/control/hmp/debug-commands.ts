/** Commands of the human monitor that move the machine by instructions, forward and back. */
import type { HistorySpan } from '../debug-control.ts';
import { expression, type HmpCommand, hmpCommand, optionalWord } from './hmp-command.ts';
import { HmpError } from './hmp-error.ts';

export const debugCommands: readonly HmpCommand[] = [
  hmpCommand({
    names: ['x-history'],
    usage: 'on|off',
    help: 'keep the history of the machine from here on, to go back in',
    readers: { state: optionalWord },
    run({ state }, { vm }) {
      if (state !== 'on' && state !== 'off') throw new HmpError("x-history: 'on' or 'off' expected");
      vm.debug.keepHistory(state === 'on');
      return '';
    },
  }),
  hmpCommand({
    names: ['replay_seek'],
    usage: 'icount',
    help: 'go to the moment at which so many instructions had retired, and stop there',
    readers: { count: expression },
    async run({ count }, { vm }) {
      await vm.debug.seek(Number(count));
      return '';
    },
  }),
  hmpCommand({
    names: ['x-step'],
    help: 'run one instruction',
    readers: {},
    async run(_args, { vm }) {
      await vm.debug.step();
      return '';
    },
  }),
  hmpCommand({
    names: ['x-reverse-step'],
    help: 'take the last instruction back',
    readers: {},
    async run(_args, { vm }) {
      if (!vm.debug.canReverse) throw new HmpError('no history is kept: x-history on');
      await vm.debug.reverseStep();
      return '';
    },
  }),
];

/** `info replay`. */
export const historyText = (history: HistorySpan | undefined): string =>
  history === undefined
    ? 'Record/replay is not active\n'
    : `History: instruction ${history.now} of ${history.first} to ${history.last}, ${Math.ceil(history.bytes / 2 ** 20)} MiB\n`;
