/** `check`: whether an image is sound. */
import type { CheckResult, Repair } from '../../block/formats/image.ts';
import { type Arguments, oneImage, outputForm, usage } from './arguments.ts';
import { type Output, sayJson } from './output.ts';
import { openImage } from './store.ts';

export const CHECK_NAMES = { f: true, r: true, q: false, U: false, T: true, output: true };

const CORRUPT = 2;
const LEAKS = 3;
const UNSUPPORTED = 63;

export async function check(args: Arguments, out: Output): Promise<number> {
  const name = oneImage(args);
  const form = outputForm(args);
  const repair = repairOf(args.get('r'));
  const image = await openImage(name, {
    format: args.get('f'),
    readonly: repair === 'none',
    withBacking: false,
    forCheck: true,
  });
  try {
    if (image.check === undefined) {
      out.complain('lockstep-img: This image format does not support checks\n');
      return UNSUPPORTED;
    }
    const quiet = args.has('q');
    const log = (line: string): void => {
      if (!quiet) out.complain(`${line}\n`);
    };
    let result = await image.check(repair, log);
    const fixed = { corruptions: result.corruptionsFixed, leaks: result.leaksFixed };
    if (fixed.corruptions > 0 || fixed.leaks > 0) {
      if (form === 'human' && !quiet) {
        out.say(
          'The following inconsistencies were found and repaired:\n\n' +
            `    ${fixed.leaks} leaked clusters\n    ${fixed.corruptions} corruptions\n\n` +
            'Double checking the fixed image now...\n',
        );
      }
      result = await image.check('none', log);
      result.corruptionsFixed = fixed.corruptions;
      result.leaksFixed = fixed.leaks;
    }
    if (form === 'json') sayJson(out, jsonOf(result, name, image.driver));
    else if (!quiet) out.say(textOf(result));
    if (result.corruptions > 0) return CORRUPT;
    if (result.leaks > 0) return LEAKS;
    return result.checkErrors > 0 ? 1 : 0;
  } finally {
    await image.close();
  }
}

function repairOf(value: string | undefined): Repair {
  if (value === undefined) return 'none';
  if (value === 'leaks' || value === 'all') return value;
  throw usage('--repair/-r expects "leaks" or "all" as argument');
}

function jsonOf(result: CheckResult, filename: string, format: string): unknown {
  const some = (value: number | undefined): number | undefined => (value ? value : undefined);
  return {
    'image-end-offset': result.imageEndOffset,
    'total-clusters': some(result.totalClusters),
    'check-errors': result.checkErrors,
    corruptions: some(result.corruptions),
    leaks: some(result.leaks),
    'corruptions-fixed': some(result.corruptionsFixed),
    'leaks-fixed': some(result.leaksFixed),
    'allocated-clusters': some(result.allocatedClusters),
    'fragmented-clusters': some(result.fragmentedClusters),
    'compressed-clusters': some(result.compressedClusters),
    filename,
    format,
  };
}

function textOf(result: CheckResult): string {
  const parts: string[] = [];
  if (result.corruptions === 0 && result.leaks === 0 && result.checkErrors === 0) {
    parts.push('No errors were found on the image.\n');
  }
  if (result.corruptions > 0) {
    parts.push(
      `\n${result.corruptions} errors were found on the image.\n` +
        'Data may be corrupted, or further writes to the image may corrupt it.\n',
    );
  }
  if (result.leaks > 0) {
    parts.push(
      `\n${result.leaks} leaked clusters were found on the image.\n` +
        'This means waste of disk space, but no harm to data.\n',
    );
  }
  if (result.checkErrors > 0) parts.push(`\n${result.checkErrors} internal errors have occurred during the check.\n`);
  const { totalClusters = 0, allocatedClusters = 0, fragmentedClusters = 0, compressedClusters = 0 } = result;
  if (totalClusters > 0 && allocatedClusters > 0) {
    const percent = (part: number, whole: number): string => `${((part * 100) / whole).toFixed(2)}%`;
    parts.push(
      `${allocatedClusters}/${totalClusters} = ${percent(allocatedClusters, totalClusters)} allocated, ` +
        `${percent(fragmentedClusters, allocatedClusters)} fragmented, ` +
        `${percent(compressedClusters, allocatedClusters)} compressed clusters\n`,
    );
  }
  if (result.imageEndOffset !== undefined) parts.push(`Image end offset: ${result.imageEndOffset}\n`);
  return parts.join('');
}
