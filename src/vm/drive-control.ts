/** What monitor and page do with the drives of a machine. */
import { BlockFailure, type BlockNode } from '../block/api.ts';
import { ClusterNode } from '../block/cluster-node.ts';
import type { HostDrive, Medium } from '../block/drive.ts';
import type { ImageNode } from '../block/formats/image.ts';
import type { BlockControl, BlockCounts, DriveView, MediumChange, MediumView } from '../control/block-control.ts';
import { VmError } from '../util/errors.ts';
import { type ImageLibrary, openMedium } from './drives.ts';
import type { DriveOption, MachineOptions } from './options/machine-options.ts';

export interface DriveControlParts {
  readonly options: MachineOptions;
  readonly drives: ReadonlyMap<string, HostDrive>;
  readonly library: ImageLibrary;
  /** The guest is to see now what was done, if it does not run. */
  settle(): void;
}

/** Devices whose media can be taken out. */
const REMOVABLE = new Set(['ide-cd', 'scsi-cd']);
/** The floppy controller is part of the board. */
const FLOPPY_PATH = '/machine/unattached/isa-fdc';

export function createDriveControl({ options, drives, library, settle }: DriveControlParts): BlockControl {
  const optionOf = (id: string): DriveOption => {
    const found = options.drives.find((option) => option.id === id);
    if (found === undefined) throw new VmError(`Device '${id}' not found`, { class: 'DeviceNotFound' });
    return found;
  };
  const driveOf = (id: string): HostDrive => {
    const found = drives.get(optionOf(id).id);
    if (found === undefined) throw new Error(`BUG: no drive '${id}'`);
    return found;
  };
  const userOf = (id: string) => options.devices.find(({ properties }) => properties['drive'] === id);
  const isFloppy = (id: string): boolean => Object.values(options.floppies).includes(id);
  const isRemovable = (id: string): boolean => isFloppy(id) || REMOVABLE.has(userOf(id)?.driver ?? '');

  const attachedTo = (id: string): string | undefined => {
    if (isFloppy(id)) return FLOPPY_PATH;
    const user = userOf(id);
    if (user === undefined) return undefined;
    return user.id === undefined ? `/machine/peripheral-anon/${user.driver}` : `/machine/peripheral/${user.id}`;
  };

  /** Opens the tray, or says why it stays shut. */
  function openTray(drive: HostDrive, force: boolean): void {
    const { id } = drive;
    if (!isRemovable(id)) throw new VmError(`Device '${id}' is not removable`);
    if (drive.trayOpen || !drive.locked) return;
    drive.requestEject();
    if (force) return;
    throw new VmError(`Device '${id}' is locked and force was not specified, wait for tray to open and try again`);
  }

  const failing = async (what: string, body: () => Promise<void>): Promise<void> => {
    try {
      await body();
    } catch (error) {
      if (error instanceof BlockFailure) throw new VmError(`${what}: ${error.message}`, { cause: error });
      throw error;
    }
    settle();
  };

  return {
    list: () =>
      [...drives.values()].map((drive): DriveView => {
        const { id, locked, trayOpen, hasStopped, present } = drive;
        return {
          device: id,
          attachedTo: attachedTo(id),
          removable: isRemovable(id),
          locked,
          trayOpen,
          failed: hasStopped,
          medium: present && mediumView(drive, present, optionOf(id)),
          counts: countsOf(drive),
        };
      }),
    async eject(device, force) {
      const drive = driveOf(device);
      openTray(drive, force);
      drive.insert(undefined);
      settle();
    },
    async change(device, file, { format, mode = 'retain', force = false }: MediumChange) {
      const drive = driveOf(device);
      const option = optionOf(device);
      const readonly = mode === 'retain' ? option.readonly : mode === 'read-only';
      const medium = await openMedium({ ...option, file, format, readonly }, library);
      try {
        openTray(drive, force);
      } catch (error) {
        await medium?.node.close();
        throw error;
      }
      drive.insert(medium);
      settle();
    },
    resize: (device, sizeBytes) => failing(`Cannot resize device '${device}'`, () => driveOf(device).resize(sizeBytes)),
    async commit(device) {
      const chosen = device === 'all' ? [...drives.values()] : [driveOf(device)];
      for (const drive of chosen) {
        const option = optionOf(drive.id);
        const isTemporary = drive.present?.node instanceof ClusterNode && option.snapshot;
        if (!isTemporary && device === 'all') continue;
        if (!isTemporary) throw new VmError(`'commit' error for '${device}': it was not started with snapshot=on`);
        await failing(`'commit' error for '${drive.id}'`, () => commitTemporary(drive, option, library));
      }
    },
  };
}

/** What was written over the image of a `snapshot=on` drive goes into it; the drive has it for itself meanwhile. */
async function commitTemporary(drive: HostDrive, option: DriveOption, library: ImageLibrary): Promise<void> {
  await drive.alone(async (medium) => {
    const overlay = medium?.node as ClusterNode;
    const reopen = async (readonly: boolean): Promise<BlockNode> => {
      const opened = await openMedium({ ...option, snapshot: false, readonly }, library);
      if (opened === undefined) throw new Error(`BUG: drive '${drive.id}' has no file`);
      return opened.node;
    };
    let failure: unknown;
    // Places where images are kept let one writer in, and nobody beside it.
    await overlay.exchangeBacking(async () => {
      try {
        const image = await reopen(false);
        try {
          if (image.sizeBytes < overlay.sizeBytes) await image.resize(overlay.sizeBytes);
          await overlay.copyTo(image);
          await image.flush();
        } finally {
          await image.close();
        }
      } catch (error) {
        failure = error;
      }
      return reopen(true);
    });
    if (failure !== undefined) throw failure;
    overlay.makeEmpty();
  });
}

function mediumView(drive: HostDrive, { name, nodeName = '', node }: Medium, option: DriveOption): MediumView {
  const { driver } = node;
  const chain: BlockNode[] = [];
  for (let below = (node as ImageNode).backing; below !== undefined; below = (below as ImageNode).backing) {
    chain.push(below);
  }
  const named = (node as ImageNode).info?.backing?.name;
  return {
    file: name,
    nodeName,
    driver,
    sizeBytes: drive.sizeBytes,
    readonly: drive.readonly,
    writeback: option.cache !== 'writethrough',
    backing: chain.length === 0 ? undefined : { file: named ?? name, depth: chain.length },
  };
}

function countsOf({ stats }: HostDrive): BlockCounts {
  const { read, write, writeZeroes, discard, flush } = stats;
  return {
    readBytes: read.bytes,
    writtenBytes: write.bytes + writeZeroes.bytes,
    discardedBytes: discard.bytes,
    reads: read.operations,
    writes: write.operations + writeZeroes.operations,
    flushes: flush.operations,
    discards: discard.operations,
    failedReads: read.failed,
    failedWrites: write.failed + writeZeroes.failed,
    failedFlushes: flush.failed,
    readNs: Math.round(read.totalNs),
    writeNs: Math.round(write.totalNs + writeZeroes.totalNs),
    flushNs: Math.round(flush.totalNs),
  };
}
