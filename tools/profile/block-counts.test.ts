import { expect, test } from 'vitest';
import { catalogueI386 } from '../../src/vm/catalogue-i386.ts';
import { parseCommandLine } from '../../src/vm/options/parse.ts';
import { CLI, firmware, HLT, spin } from '../../src/vm/real-mode.fixture.ts';
import { countBlocks } from './block-counts.ts';

test('blocks are counted exactly, the hottest first, with the code they were made of', () => {
  const parsed = parseCommandLine(['-bios', 'bios', '-vga', 'none', '-m', '4', '-M', 'isapc'], catalogueI386);
  if (parsed.kind === 'answer') throw new Error('no machine');
  const files = { bios: firmware(spin(2000), spin(7000), CLI, HLT) };
  const profile = countBlocks({ options: parsed.options, files }, 1e6);
  // dec ecx; jnz: the first round of each is part of the block before it
  expect(profile.blocks.slice(0, 2).map(({ block, runs }) => [block.insns, runs])).toEqual([
    [2, 6999],
    [2, 1999],
  ]);
  expect(profile.counted).toBe(profile.executed);
  const [{ block }] = profile.blocks as [(typeof profile.blocks)[number]];
  expect([0, 1, 2].map((i) => profile.readCode(block, block.pcLo + i))).toEqual([0x49, 0x75, 0xfd]);
});
