import { expect, test } from 'vitest';
import { ROMS } from '../../../roms/manifest.ts';
import { catalogueI386 } from '../../vm/catalogue-i386.ts';
import { parseCommandLine } from '../../vm/options/parse.ts';
import { fileNames } from '../library/file-names.ts';
import { argumentsOf, filesOf } from '../library/machine-spec.ts';
import { galleryEntries } from './entries.ts';

/** Made of another file by roms/fetch.ts. */
const MADE = ['initramfs-i386.cpio.gz'];

test.each(galleryEntries)('$title is a machine that can be built, of files that are fetched', ({ spec }) => {
  const args = argumentsOf(
    spec,
    fileNames(spec, () => undefined),
  );
  expect(parseCommandLine(args, catalogueI386).kind).toBe('machine');
  const known = [...ROMS.map(({ name }) => name), ...MADE];
  for (const file of filesOf(spec)) expect(known).toContain(file.kind === 'rom' ? file.name : undefined);
});

test('entries are told apart', () => {
  expect(new Set(galleryEntries.map(({ id }) => id)).size).toBe(galleryEntries.length);
});
