/** `info`: what an image is. */
import type { ImageInfo, ImageNode, SnapshotInfo } from '../../block/formats/image.ts';
import { VmError } from '../../util/errors.ts';
import { type Arguments, oneImage, outputForm } from './arguments.ts';
import { type Output, sayJson } from './output.ts';
import { bytesOnDisk, hostStore, openImage } from './store.ts';
import { clockText, dateText, sizeText } from './text.ts';

export const INFO_NAMES = { f: true, U: false, output: true, 'backing-chain': false };

interface Described {
  readonly name: string;
  readonly driver: string;
  readonly sizeBytes: number;
  readonly onDisk: number;
  readonly info: ImageInfo;
}

interface Named {
  readonly name: string;
  readonly format: string | undefined;
}

export async function info(args: Arguments, out: Output): Promise<number> {
  const form = outputForm(args);
  const described: Described[] = [];
  const seen = new Set<string>();
  let next: Named | undefined = { name: oneImage(args), format: args.get('f') };
  while (next !== undefined) {
    const { name, format }: Named = next;
    const identity = hostStore.identity(name);
    if (seen.has(identity)) throw new VmError(`Backing file '${name}' creates an infinite loop.`);
    seen.add(identity);
    const image = await openImage(name, { format, readonly: true, withBacking: false });
    described.push(summaryOf(name, image));
    await image.close();
    const backing = args.has('backing-chain') ? image.info?.backing : undefined;
    next = backing && { name: hostStore.resolve(name, backing.name), format: backing.format };
  }
  if (form === 'json') {
    const all = described.map(jsonOf);
    sayJson(out, args.has('backing-chain') ? all : all[0]);
  } else {
    out.say(described.map(textOf).join('\n'));
  }
  return 0;
}

function summaryOf(name: string, image: ImageNode): Described {
  const { driver, sizeBytes, info = {} } = image;
  return { name, driver, sizeBytes, onDisk: bytesOnDisk(name), info };
}

function jsonOf({ name, driver, sizeBytes, onDisk, info }: Described): unknown {
  const { backing, snapshots = [], specific } = info;
  return {
    ...(snapshots.length > 0 ? { snapshots: snapshots.map(snapshotJson) } : {}),
    ...(backing?.format === undefined ? {} : { 'backing-filename-format': backing.format }),
    'virtual-size': sizeBytes,
    filename: name,
    ...(info.clusterSize === undefined ? {} : { 'cluster-size': info.clusterSize }),
    format: driver,
    'actual-size': onDisk,
    ...(info.compressed ? { compressed: true } : {}),
    ...(specific === undefined ? {} : { 'format-specific': specific }),
    ...(backing === undefined
      ? {}
      : { 'full-backing-filename': hostStore.resolve(name, backing.name), 'backing-filename': backing.name }),
    'dirty-flag': info.dirty ?? false,
  };
}

function snapshotJson(snapshot: SnapshotInfo): unknown {
  return {
    'vm-clock-nsec': snapshot.vmClockNs % 1e9,
    name: snapshot.name,
    'date-sec': snapshot.dateSeconds,
    'date-nsec': snapshot.dateNanoseconds,
    'vm-clock-sec': Math.floor(snapshot.vmClockNs / 1e9),
    id: snapshot.id,
    'vm-state-size': snapshot.vmStateBytes,
  };
}

function textOf({ name, driver, sizeBytes, onDisk, info }: Described): string {
  const { backing, snapshots = [], specific } = info;
  const lines = [
    `image: ${name}`,
    `file format: ${driver}`,
    `virtual size: ${sizeText(sizeBytes)} (${sizeBytes} bytes)`,
    `disk size: ${sizeText(onDisk)}`,
  ];
  if (info.clusterSize !== undefined) lines.push(`cluster_size: ${info.clusterSize}`);
  if (info.dirty) lines.push('cleanly shut down: no');
  if (backing !== undefined) {
    const full = hostStore.resolve(name, backing.name);
    lines.push(`backing file: ${backing.name}${full === backing.name ? '' : ` (actual path: ${full})`}`);
    if (backing.format !== undefined) lines.push(`backing file format: ${backing.format}`);
  }
  if (snapshots.length > 0) lines.push('Snapshot list:', ...snapshotLines(snapshots));
  if (specific !== undefined) {
    lines.push('Format specific information:');
    for (const [key, value] of Object.entries(specific.data))
      lines.push(`    ${key.replaceAll('-', ' ')}: ${valueText(value)}`);
  }
  return `${lines.join('\n')}\n`;
}

function valueText(value: unknown): string {
  if (!Array.isArray(value)) return String(value);
  return value
    .map((item, i) => {
      const rows = Object.entries(item as object).map(
        ([key, field]) => `\n            ${key.replaceAll('-', ' ')}: ${field}`,
      );
      return `\n        [${i}]:${rows.join('')}`;
    })
    .join('');
}

export function snapshotLines(snapshots: readonly SnapshotInfo[]): string[] {
  const row = (...[id, tag, size, date, clock]: string[]): string =>
    `${id!.padEnd(10)}${tag!.padEnd(16)} ${size!.padStart(8)}${date!.padStart(20)}${clock!.padStart(13)}`;
  return [
    row('ID', 'TAG', 'VM SIZE', 'DATE', 'VM CLOCK'),
    ...snapshots.map((one) =>
      row(one.id, one.name, sizeText(one.vmStateBytes), dateText(one.dateSeconds), clockText(one.vmClockNs)),
    ),
  ];
}
