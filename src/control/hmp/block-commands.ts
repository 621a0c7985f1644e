/** Commands about drives. */
import { type DriveView, READ_ONLY_MODES, type ReadOnlyMode } from '../block-control.ts';
import { blockResize, changeMedium, eject } from '../commands/block.ts';
import { type ArgumentReader, type HmpCommand, hmpCommand, optionalWord } from './hmp-command.ts';
import { HmpError } from './hmp-error.ts';
import type { TextReader } from './text-reader.ts';

const flag =
  (letter: string): ArgumentReader<boolean> =>
  (text) => {
    text.skipSpace();
    return text.match(new RegExp(`-${letter}(?=\\s|$)`, 'y')) !== '';
  };

/** A word, or a text in quotation marks. */
const takeWord = (text: TextReader): string => {
  text.skipSpace();
  if (text.peek !== '"') return text.match(/\S*/y);
  return text
    .match(/"(?:[^"\\]|\\.)*"?/y)
    .replace(/^"|"$/g, '')
    .replace(/\\(.)/g, '$1');
};

const wordOf =
  (command: string, what: string): ArgumentReader<string> =>
  (text) => {
    const found = takeWord(text);
    if (found === '') throw new HmpError(`${command}: ${what} expected`);
    return found;
  };

/** QEMU's `o`: a size in MiB, or with a suffix. */
const sizeOf =
  (command: string): ArgumentReader<number> =>
  (text) => {
    const word = takeWord(text);
    const match = /^(\d+(?:\.\d+)?)([bkmgtpe]?)$/i.exec(word);
    if (match === null) throw new HmpError(`${command}: invalid size`);
    return Math.floor(Number(match[1]) * 1024 ** 'bkmgtpe'.indexOf((match[2] || 'm').toLowerCase()));
  };

const readMode: ArgumentReader<ReadOnlyMode | undefined> = (text) => {
  const word = takeWord(text);
  if (word === '') return undefined;
  const found = READ_ONLY_MODES.find((mode) => mode === word);
  if (found === undefined) throw new HmpError(`Error: invalid parameter value: ${word}`);
  return found;
};

export const blockCommands: readonly HmpCommand[] = [
  hmpCommand({
    names: ['block_resize'],
    usage: 'device size',
    help: 'resize a block image',
    readers: { device: wordOf('block_resize', 'block device name'), size: sizeOf('block_resize') },
    async run(args, { vm }) {
      await blockResize.run(args, vm);
      return '';
    },
  }),
  hmpCommand({
    names: ['change'],
    usage: 'device [-f] filename [format [read-only-mode]]',
    help: 'change a removable medium, optional format, use -f to force the operation',
    readers: {
      device: wordOf('change', 'block device name'),
      force: flag('f'),
      filename: wordOf('change', 'filename'),
      format: optionalWord,
      mode: readMode,
    },
    async run({ device, force, filename, format, mode }, { vm }) {
      const chosen = format === '' ? undefined : format;
      await changeMedium.run({ device, force, filename, format: chosen, 'read-only-mode': mode }, vm);
      return '';
    },
  }),
  hmpCommand({
    names: ['commit'],
    usage: 'device|all',
    help: 'commit changes to the disk images (if -snapshot is used) or backing files',
    readers: { device: wordOf('commit', 'block device name') },
    async run({ device }, { vm }) {
      await vm.blocks.commit(device);
      return '';
    },
  }),
  hmpCommand({
    names: ['eject'],
    usage: '[-f] device',
    help: 'eject a removable medium (use -f to force it)',
    readers: { force: flag('f'), device: wordOf('eject', 'block device name') },
    async run(args, { vm }) {
      await eject.run(args, vm);
      return '';
    },
  }),
];

export const blockInfoCommands: readonly HmpCommand[] = [
  hmpCommand({
    names: ['block'],
    usage: '[device]',
    help: 'show info of one block device or all block devices',
    readers: { device: optionalWord },
    run({ device }, { vm }) {
      const chosen = vm.blocks.list().filter((drive) => device === '' || drive.device === device);
      if (device !== '' && chosen.length === 0) throw new HmpError(`Device '${device}' not found`);
      return chosen.map(describe).join('\n');
    },
  }),
  hmpCommand({
    names: ['blockstats'],
    help: 'show block device statistics',
    readers: {},
    run: (_args, { vm }) =>
      vm.blocks
        .list()
        .map(
          ({ device, counts: c }) =>
            `${device}: rd_bytes=${c.readBytes} wr_bytes=${c.writtenBytes} rd_operations=${c.reads} ` +
            `wr_operations=${c.writes} flush_operations=${c.flushes} wr_total_time_ns=${c.writeNs} ` +
            `rd_total_time_ns=${c.readNs} flush_total_time_ns=${c.flushNs} rd_merged=0 wr_merged=0 idle_time_ns=0\n`,
        )
        .join(''),
  }),
];

/** QEMU's paragraph about a drive. */
function describe({ device, attachedTo, removable, locked, trayOpen, failed, medium }: DriveView): string {
  const head =
    medium === undefined
      ? `${device}: [not inserted]`
      : `${device} (${medium.nodeName}): ${medium.file} (${medium.driver}${medium.readonly ? ', read-only' : ''})`;
  const lines = [
    attachedTo !== undefined && `Attached to:      ${attachedTo}`,
    removable && `Removable device: ${locked ? '' : 'not '}locked, tray ${trayOpen ? 'open' : 'closed'}`,
    failed && 'I/O status:       failed',
    medium !== undefined && `Cache mode:       ${medium.writeback ? 'writeback' : 'writethrough'}`,
    medium?.backing && `Backing file:     ${medium.backing.file} (chain depth: ${medium.backing.depth})`,
  ];
  return [head, ...lines.filter(Boolean).map((line) => `    ${line}`), ''].join('\n');
}
