/** The text that describes a VMDK: "Virtual Disk Format 5.0", VMware, 2011, "The Descriptor". */
import { refuse } from '../image.ts';

export interface ExtentLine {
  readonly access: string;
  readonly sectors: number;
  /** `SPARSE`, `FLAT`, `ZERO` … */
  readonly type: string;
  readonly file: string;
  /** Of a flat extent: where it begins in its file, in sectors. */
  readonly offset: number;
}

export interface Descriptor {
  readonly createType: string;
  readonly parent: string | undefined;
  readonly extents: readonly ExtentLine[];
}

const NO_PARENT = 'ffffffff';
const EXTENT = /^(RW|RDONLY|NOACCESS) +(\d+) +([A-Z]+)(?: +"([^"]*)")?(?: +(\d+))?/;

export function parseDescriptor(text: string, name: string): Descriptor {
  const fields = new Map<string, string>();
  const extents: ExtentLine[] = [];
  for (const line of text.split(/\r?\n/)) {
    const extent = EXTENT.exec(line.trim());
    const field = /^\s*([A-Za-z]+)\s*=\s*"?([^"]*)"?\s*$/.exec(line);
    if (extent !== null) {
      const [, access = '', sectors, type = '', file = '', offset = '0'] = extent;
      extents.push({ access, sectors: Number(sectors), type, file, offset: Number(offset) });
    } else if (field !== null) {
      fields.set(field[1]!, field[2]!);
    }
  }
  const createType = fields.get('createType');
  if (createType === undefined) throw refuse(name, 'the VMDK descriptor has no createType');
  const parentId = fields.get('parentCID')?.toLowerCase() ?? NO_PARENT;
  return { createType, parent: parentId === NO_PARENT ? undefined : fields.get('parentFileNameHint'), extents };
}

/** The descriptor with another content ID, which images that stand on it remember; undefined if there is none in it. */
export function withContentId(text: string, id: number): string | undefined {
  const line = /^CID=[0-9a-fA-F]{1,8}/m;
  return line.test(text) ? text.replace(line, `CID=${id.toString(16).padStart(8, '0')}`) : undefined;
}

export function descriptorText({
  file,
  sectors,
  contentId,
}: {
  file: string;
  sectors: number;
  contentId: number;
}): string {
  const cylinders = Math.min(16383, Math.floor(sectors / (16 * 63)));
  return [
    '# Disk DescriptorFile',
    'version=1',
    `CID=${contentId.toString(16).padStart(8, '0')}`,
    `parentCID=${NO_PARENT}`,
    'createType="monolithicSparse"',
    '',
    '# Extent description',
    `RW ${sectors} SPARSE "${file}"`,
    '',
    '# The Disk Data Base',
    '#DDB',
    '',
    'ddb.virtualHWVersion = "4"',
    `ddb.geometry.cylinders = "${cylinders}"`,
    'ddb.geometry.heads = "16"',
    'ddb.geometry.sectors = "63"',
    'ddb.adapterType = "ide"',
    '',
  ].join('\n');
}
