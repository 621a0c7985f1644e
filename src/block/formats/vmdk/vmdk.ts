/**
 * VMware disk images: "Virtual Disk Format 5.0", VMware, 2011. monolithicSparse is read and written, streamOptimized
 * read, flat and split images (FLAT, SPARSE and ZERO extents) read and, but for compressed ones, written. ESX's own
 * types (VMFSSPARSE, SESPARSE, raw devices) are refused by their names.
 */
import type { BlockNode } from '../../api.ts';
import { roundUp, setU64LE, textOf, viewOf } from '../fields.ts';
import type { CreateImageOptions, CreateOption } from '../formats.ts';
import { type ImageInfo, type ImageNode, type OpenImageOptions, readStructure, refuse } from '../image.ts';
import { type BlockMap, MappedImage } from '../mapped-image.ts';
import { type Descriptor, descriptorText, type ExtentLine, parseDescriptor, withContentId } from './descriptor.ts';
import { ExtentRow, type ImageExtentPart } from './extent-row.ts';
import { HEADER_BYTES, openSparseExtent, SECTOR, SPARSE_MAGIC, type SparseExtent } from './sparse-extent.ts';

const COWD_MAGIC = 0x44574f43;
const MAX_DESCRIPTOR = 1 << 20;
const FLAT_BLOCK = 1 << 20;
const READABLE_TYPES = [
  'monolithicSparse',
  'monolithicFlat',
  'twoGbMaxExtentSparse',
  'twoGbMaxExtentFlat',
  'streamOptimized',
];

export async function openVmdk(file: BlockNode, options: OpenImageOptions): Promise<ImageNode> {
  const { name } = options;
  const start = await readStructure(file, {
    name,
    what: 'the header',
    offset: 0,
    length: Math.min(HEADER_BYTES, file.sizeBytes),
  });
  const magic = start.length < 4 ? 0 : viewOf(start).getUint32(0, true);
  if (magic === SPARSE_MAGIC) return openSingle(file, options);
  if (magic === COWD_MAGIC) throw refuse(name, 'VMDK images of ESX (COWD) are not supported');
  return openSplit(file, options);
}

/** An extent with the descriptor in it. */
async function openSingle(file: BlockNode, options: OpenImageOptions): Promise<ImageNode> {
  const { name } = options;
  const extent = await openSparseExtent(file, name);
  const text = extent.descriptor && (await readText(file, { name, ...extent.descriptor }));
  const descriptor = text ? parseDescriptor(text, name) : undefined;
  const readonly = options.readonly === true || file.readonly || extent.isCompressed;
  const backing =
    descriptor?.parent === undefined ? undefined : await options.openOther?.(descriptor.parent, { readonly: true });
  const touch = extent.descriptor && text ? contentIdWriter(file, { ...extent.descriptor, text }) : undefined;
  const map = mapOf(file, extent, { info: infoOf(descriptor, extent), touch });
  return new MappedImage(map, { readonly, backing });
}

async function readText(
  file: BlockNode,
  { name, offset, length }: { name: string; offset: number; length: number },
): Promise<string> {
  if (length > MAX_DESCRIPTOR) throw refuse(name, `the VMDK descriptor is too long (${length} bytes)`);
  return textOf(await readStructure(file, { name, what: 'the VMDK descriptor', offset, length }));
}

function infoOf(descriptor: Descriptor | undefined, extent: SparseExtent | undefined): ImageInfo {
  return {
    ...(extent === undefined ? {} : { clusterSize: extent.grainBytes }),
    ...(extent?.isCompressed ? { compressed: true } : {}),
    ...(descriptor?.parent === undefined ? {} : { backing: { name: descriptor.parent } }),
    specific: { type: 'vmdk', data: { 'create-type': descriptor?.createType ?? 'unknown' } },
  };
}

/** Images that stand on this one find out by its content ID that it was written. */
function contentIdWriter(file: BlockNode, { offset, text }: { offset: number; text: string }): () => Promise<void> {
  let done = false;
  return async () => {
    if (done) return;
    done = true;
    const changed = withContentId(text, Math.floor(Math.random() * 0xfffffffe));
    if (changed !== undefined && changed.length <= text.length + 7)
      await file.write(offset, new TextEncoder().encode(changed));
  };
}

function mapOf(
  file: BlockNode,
  extent: SparseExtent,
  { info, touch }: { info: ImageInfo; touch: (() => Promise<void>) | undefined },
): BlockMap {
  return {
    driver: 'vmdk',
    sizeBytes: extent.sizeBytes,
    blockSize: extent.grainBytes,
    file,
    info,
    find: (block) => extent.find(block),
    async allocate(block) {
      await touch?.();
      return extent.allocate(block);
    },
    link: (block, host) => extent.link(block, host),
    commit: () => extent.commit(),
  };
}

/** A text that names the files with the contents. */
async function openSplit(file: BlockNode, options: OpenImageOptions): Promise<ImageNode> {
  const { name } = options;
  const text = await readText(file, { name, offset: 0, length: Math.min(file.sizeBytes, MAX_DESCRIPTOR) });
  if (!text.includes('# Disk DescriptorFile')) throw refuse(name, 'not a VMDK image: neither a magic nor a descriptor');
  const descriptor = parseDescriptor(text, name);
  const { createType, parent, extents } = descriptor;
  if (!READABLE_TYPES.includes(createType))
    throw refuse(name, `VMDK type '${createType}' is not supported (${READABLE_TYPES.join(', ')})`);
  if (extents.length === 0) throw refuse(name, 'the VMDK descriptor names no extents');
  const backing = parent === undefined ? undefined : await options.openOther?.(parent, { readonly: true });
  const readonly = options.readonly === true || file.readonly;
  const parts: ImageExtentPart[] = [];
  try {
    for (const line of extents) parts.push(await openExtent(line, { ...options, readonly, backing }));
  } catch (error) {
    for (const { node } of parts) await node?.close();
    throw error;
  }
  return new ExtentRow(file, parts, { readonly, info: infoOf(descriptor, undefined), backing });
}

async function openExtent(
  line: ExtentLine,
  { name, openPart, readonly = false, backing }: OpenImageOptions & { backing: ImageNode | undefined },
): Promise<ImageExtentPart> {
  const sizeBytes = line.sectors * SECTOR;
  if (line.type === 'ZERO') return { sizeBytes, node: undefined };
  if (line.type !== 'FLAT' && line.type !== 'SPARSE')
    throw refuse(name, `VMDK extents of type ${line.type} are not supported (FLAT, SPARSE, ZERO)`);
  if (openPart === undefined) throw refuse(name, `the VMDK extent '${line.file}' is a file of its own`);
  const file = await openPart(line.file, { readonly: readonly || line.access !== 'RW' });
  try {
    if (line.type === 'FLAT') {
      const start = line.offset * SECTOR;
      if (start + sizeBytes > roundUp(file.sizeBytes, SECTOR)) {
        throw refuse(
          name,
          `the VMDK extent '${line.file}' has ${file.sizeBytes} bytes, it should have ${start + sizeBytes}`,
        );
      }
      const map: BlockMap = {
        driver: 'vmdk',
        sizeBytes,
        blockSize: FLAT_BLOCK,
        file,
        info: {},
        find: async (block) => ({ kind: 'data', host: start + block * FLAT_BLOCK }),
        allocate: () => Promise.reject(new Error('BUG: all of a flat extent has a place')),
      };
      return { sizeBytes, node: new MappedImage(map, { readonly: file.readonly }) };
    }
    const extent = await openSparseExtent(file, line.file);
    if (extent.sizeBytes < sizeBytes)
      throw refuse(name, `the VMDK extent '${line.file}' is shorter than the ${line.sectors} sectors it should have`);
    const map = mapOf(file, extent, { info: {}, touch: undefined });
    // What a part does not hold comes from the parent at the row's offset: `ExtentRow` sees to that.
    const node = new MappedImage(map, { readonly: file.readonly || extent.isCompressed || backing !== undefined });
    return { sizeBytes, node };
  } catch (error) {
    await file.close();
    throw error;
  }
}

export const VMDK_OPTIONS: readonly CreateOption[] = [
  { name: 'subformat', value: 'monolithicSparse', help: 'VMDK extent format: monolithicSparse' },
];

const GRAIN_SECTORS = 128;
const PER_TABLE = 512;
const DESCRIPTOR_SECTORS = 20;

/** A sparse image in one file, with two directories that are the same. */
export async function createVmdk(file: BlockNode, { name, sizeBytes, options }: CreateImageOptions): Promise<void> {
  const subformat = options.get('subformat') ?? 'monolithicSparse';
  if (subformat !== 'monolithicSparse')
    throw refuse(name, `VMDK subformat '${subformat}' cannot be created (monolithicSparse)`);
  const sectors = sizeBytes / SECTOR;
  const tables = Math.ceil(sectors / (GRAIN_SECTORS * PER_TABLE));
  const tableSectors = (PER_TABLE * 4) / SECTOR;
  const directorySectors = Math.ceil((tables * 4) / SECTOR);
  const redundant = 1 + DESCRIPTOR_SECTORS;
  const directory = redundant + directorySectors + tables * tableSectors;
  const overhead = roundUp(directory + directorySectors + tables * tableSectors, GRAIN_SECTORS);
  const header = new Uint8Array(HEADER_BYTES);
  const view = viewOf(header);
  view.setUint32(0, SPARSE_MAGIC, true);
  view.setUint32(4, 1, true);
  view.setUint32(8, 3, true);
  setU64LE(view, 12, sectors);
  setU64LE(view, 20, GRAIN_SECTORS);
  setU64LE(view, 28, 1);
  setU64LE(view, 36, DESCRIPTOR_SECTORS);
  view.setUint32(44, PER_TABLE, true);
  setU64LE(view, 48, redundant);
  setU64LE(view, 56, directory);
  setU64LE(view, 64, overhead);
  header.set([0x0a, 0x20, 0x0d, 0x0a], 73);
  await file.resize(0);
  await file.resize(overhead * SECTOR);
  for (const start of [redundant, directory]) {
    const entries = new Uint8Array(directorySectors * SECTOR);
    for (let i = 0; i < tables; i++)
      viewOf(entries).setUint32(i * 4, start + directorySectors + i * tableSectors, true);
    await file.write(start * SECTOR, entries);
  }
  const contentId = Math.floor(Math.random() * 0xfffffffe);
  const text = descriptorText({ file: name.slice(name.lastIndexOf('/') + 1), sectors, contentId });
  await file.write(SECTOR, new TextEncoder().encode(text));
  await file.write(0, header);
  await file.flush();
}
