import { VmError } from '../../util/errors.ts';
import { type BlockCounts, type DriveView, READ_ONLY_MODES } from '../block-control.ts';
import { command } from '../command.ts';
import { arrayOf, bool, enumOf, int, optional, str, struct } from '../schema.ts';

const nothing = struct({});

const inserted = struct({
  file: str,
  'node-name': str,
  ro: bool,
  drv: str,
  backing_file: optional(str),
  backing_file_depth: int,
  cache: struct({ writeback: bool, direct: bool, 'no-flush': bool }),
  image: struct({ filename: str, format: str, 'virtual-size': int }),
});

export const queryBlock = command({
  name: 'query-block',
  doc: 'Get a list of BlockInfo for all virtual block devices.',
  args: nothing,
  returns: arrayOf(
    struct({
      device: str,
      qdev: optional(str),
      type: str,
      removable: bool,
      locked: bool,
      tray_open: optional(bool),
      'io-status': optional(enumOf('ok', 'failed')),
      inserted: optional(inserted),
    }),
  ),
  run: (_args, { blocks }) => blocks.list().map(infoOf),
});

function infoOf({ device, attachedTo, removable, locked, trayOpen, failed, medium }: DriveView) {
  return {
    device,
    qdev: attachedTo,
    type: 'unknown',
    removable,
    locked,
    tray_open: removable ? trayOpen : undefined,
    'io-status': attachedTo === undefined ? undefined : failed ? ('failed' as const) : ('ok' as const),
    inserted: medium && {
      file: medium.file,
      'node-name': medium.nodeName,
      ro: medium.readonly,
      drv: medium.driver,
      backing_file: medium.backing?.file,
      backing_file_depth: medium.backing?.depth ?? 0,
      cache: { writeback: medium.writeback, direct: false, 'no-flush': false },
      image: { filename: medium.file, format: medium.driver, 'virtual-size': medium.sizeBytes },
    },
  };
}

const STATISTICS = {
  rd_bytes: 'readBytes',
  wr_bytes: 'writtenBytes',
  unmap_bytes: 'discardedBytes',
  rd_operations: 'reads',
  wr_operations: 'writes',
  flush_operations: 'flushes',
  unmap_operations: 'discards',
  rd_total_time_ns: 'readNs',
  wr_total_time_ns: 'writeNs',
  flush_total_time_ns: 'flushNs',
  failed_rd_operations: 'failedReads',
  failed_wr_operations: 'failedWrites',
  failed_flush_operations: 'failedFlushes',
} as const satisfies Readonly<Record<string, keyof BlockCounts>>;
type Statistic = keyof typeof STATISTICS;

export const queryBlockstats = command({
  name: 'query-blockstats',
  doc: 'Query the BlockStats for all virtual block devices.',
  args: nothing,
  returns: arrayOf(
    struct({
      device: str,
      stats: struct(
        Object.fromEntries(Object.keys(STATISTICS).map((name) => [name, int])) as Record<Statistic, typeof int>,
      ),
    }),
  ),
  run: (_args, { blocks }) =>
    blocks.list().map(({ device, counts }) => ({
      device,
      stats: Object.fromEntries(Object.entries(STATISTICS).map(([name, count]) => [name, counts[count]])) as Record<
        Statistic,
        number
      >,
    })),
});

export const eject = command({
  name: 'eject',
  doc: 'Eject the medium of a device.',
  args: struct({ device: str, force: optional(bool) }),
  returns: nothing,
  async run({ device, force = false }, { blocks }) {
    await blocks.eject(device, force);
    return {};
  },
});

export const changeMedium = command({
  name: 'blockdev-change-medium',
  doc: 'Change the medium inserted into a device.',
  args: struct({
    device: str,
    filename: str,
    format: optional(str),
    force: optional(bool),
    'read-only-mode': optional(enumOf(...READ_ONLY_MODES)),
  }),
  returns: nothing,
  async run({ device, filename, format, force, 'read-only-mode': mode }, { blocks }) {
    await blocks.change(device, filename, { format, force, mode });
    return {};
  },
});

export const blockResize = command({
  name: 'block_resize',
  doc: 'Resize a block image while a guest is running.',
  args: struct({ device: str, size: int }),
  returns: nothing,
  async run({ device, size }, { blocks }) {
    if (size < 0) throw new VmError("Parameter 'size' expects a >0 size");
    await blocks.resize(device, size);
    return {};
  },
});
