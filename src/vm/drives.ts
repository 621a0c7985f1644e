/** The drives of a machine: images found and opened, requests and their ends led through the input queue. */
import type { BlockFailure, BlockNode } from '../block/api.ts';
import type { DiskWork } from '../block/disk-work.ts';
import { type DriveEvent, HostDrive, isDriveEvent, type Medium } from '../block/drive.ts';
import { besides, type ImageStore, openImage } from '../block/open-image.ts';
import type { InputQueue } from '../hw/core/input.ts';
import { VmError } from '../util/errors.ts';
import type { ImageSource } from './api.ts';
import { createTemporary, openSource, sourceOfName } from './image-sources.ts';
import type { DriveOption } from './options/machine-options.ts';

const SECTOR = 512;
const FLASH_BLOCK = 4096;
const MAX_FLASH_BYTES = 8 * 2 ** 20;

/** Opens a file of the host that is not among those given by content; undefined: there is none. */
export type OpenHostFile = (name: string, access: { readonly readonly: boolean }) => Promise<BlockNode | undefined>;

export interface ImageLibrary {
  readonly files: Readonly<Record<string, Uint8Array>>;
  /** More may come with new media. */
  readonly images: Map<string, ImageSource>;
  readonly openHostFile: OpenHostFile | undefined;
  warn(text: string): void;
  /** A name for the next image: QEMU's `#block177`. */
  nodeName(): string;
}

/** Opens the image of a drive. Throws a VmError that names it. */
export async function openMedium(
  drive: DriveOption,
  library: ImageLibrary,
  isFlash = false,
): Promise<Medium | undefined> {
  const { file: name, format } = drive;
  if (name === undefined) return undefined;
  const readonly = drive.readonly || drive.media === 'cdrom';
  const image = await openImage(storeOf(library, name), name, {
    format,
    readonly: readonly || drive.snapshot,
    warn: library.warn,
  });
  const node = drive.snapshot && !readonly ? createTemporary(image) : image;
  const bootSector = new Uint8Array(Math.min(SECTOR, node.sizeBytes));
  await node.read(0, bootSector);
  return {
    name,
    nodeName: library.nodeName(),
    node,
    bootSector,
    ...(isFlash && { contents: await flashContents(name, node) }),
  };
}

/** A flash chip's contents are there from the first instruction on. */
async function flashContents(name: string, node: BlockNode): Promise<Uint8Array> {
  const { sizeBytes } = node;
  if (sizeBytes === 0 || sizeBytes % FLASH_BLOCK !== 0 || sizeBytes > MAX_FLASH_BYTES) {
    throw new VmError(
      `system firmware image '${name}' of ${sizeBytes} bytes is no flash chip: a multiple of 4 KiB, 8 MiB at most`,
    );
  }
  const contents = new Uint8Array(sizeBytes);
  await node.read(0, contents);
  return contents;
}

/**
 * Names are paths, those of files that were given by content too. Only the user's own name may be an address: what an
 * image names must not reach the user's other disks.
 */
export function storeOf({ files, images, openHostFile }: ImageLibrary, userName: string): ImageStore {
  return {
    async openFile(name, { readonly }) {
      const bytes = Object.hasOwn(files, name) ? files[name] : undefined;
      const given: ImageSource | undefined = bytes && { kind: 'bytes', bytes };
      const source = images.get(name) ?? given ?? (name === userName ? sourceOfName(name) : undefined);
      const file = await (source === undefined
        ? openHostFile?.(name, { readonly })
        : openSource(source, name, readonly));
      if (file === undefined) throw new VmError(`Could not open '${name}': No such file or directory`);
      return file;
    },
    resolve: besides,
    identity: (name) => name,
  };
}

/** A file that is written to is in one drive only; what is given by content is copied. */
function refuseSharing({ file, readonly, snapshot, media }: DriveOption, drives: readonly DriveOption[]): void {
  const isWritten = !readonly && !snapshot && media === 'disk';
  if (file === undefined || !isWritten || drives.filter((other) => other.file === file).length < 2) return;
  throw new VmError(`Could not open '${file}': Failed to get "write" lock`, {
    hint: 'Two drives have this image: with snapshot=on or readonly=on in all of them they may.',
  });
}

/** Opens the images of all drives; none stays open if one can't be opened. */
export async function openMedia(
  drives: readonly DriveOption[],
  flash: readonly string[],
  library: ImageLibrary,
): Promise<Map<string, Medium>> {
  const media = new Map<string, Medium>();
  try {
    for (const drive of drives) {
      refuseSharing(drive, drives);
      const medium = await openMedium(drive, library, flash.includes(drive.id));
      if (medium !== undefined) media.set(drive.id, medium);
    }
    return media;
  } catch (error) {
    await Promise.allSettled([...media.values()].map(({ node }) => node.close()));
    throw error;
  }
}

export interface DriveSurroundings {
  readonly media: ReadonlyMap<string, Medium>;
  readonly work: DiskWork;
  readonly input: InputQueue;
  /** A request failed and the drive's policy is to stop: the machine is to pause. */
  readonly onStopped: (drive: HostDrive, error: BlockFailure) => void;
  readonly onBroken: (error: unknown) => void;
  readonly nowNs: () => number;
}

/** Drives by id, their events connected to the input queue. */
export function createDrives(
  options: readonly DriveOption[],
  { media, work, input, onStopped, onBroken, nowNs }: DriveSurroundings,
): Map<string, HostDrive> {
  return new Map(
    options.map((option) => {
      const { id } = option;
      const target = `drive.${id}`;
      const drive: HostDrive = new HostDrive({
        id,
        media: option.media,
        serial: option.serial,
        readonly: option.readonly,
        writeErrors: option.writeErrors,
        readErrors: option.readErrors,
        cache: option.cache,
        discards: option.discard,
        throttle: option.throttle,
        rest: (ns) => new Promise((resolve) => setTimeout(resolve, ns / 1e6)),
        medium: media.get(id),
        work,
        post: (event) => void input.post(target, event),
        onStopped: (error) => onStopped(drive, error),
        onBroken,
        nowNs,
      });
      input.receiveEvents<DriveEvent>(target, { check: isDriveEvent, receive: (event) => drive.receive(event) });
      return [id, drive] as const;
    }),
  );
}
