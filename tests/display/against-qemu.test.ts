/** The modes of the VGA BIOS, drawn by the BIOS and the guest: our pictures equal native QEMU's, pixel for pixel. */
import { describe, expect, test } from 'vitest';
import { assembledDisk, missing, ourPictures, type Pictures, picturesOfQemu } from './machines.ts';

const TIMEOUT_MS = 240_000;
/** In modes.s. */
const MODES = 32;
/** Of these QEMU writes no planes: once the display interface is on, it keeps the sequencer of packed modes. */
const PLANAR_VBE = [0x102, 0x104];

function pictureOf(pictures: Pictures, mode: number) {
  const file = pictures.get(mode);
  if (file === undefined || typeof file === 'string') throw new Error(`mode ${mode.toString(16)}: ${file}`);
  const [, size = '', , ...rest] = new TextDecoder('latin1').decode(file).split('\n');
  const [width = 0] = size.split(' ').map(Number);
  const pixels = file.subarray(file.length - rest.join('\n').length);
  return { size, pixels, row: (y: number, length: number) => pixels.subarray(y * width * 3, (y * width + length) * 3) };
}

function differences(ours: Pictures, qemus: Pictures): string[] {
  return [...qemus].flatMap(([mode, wanted]) => {
    const name = `mode ${mode.toString(16)}`;
    const got = ours.get(mode);
    if (got === undefined || typeof got === 'string' || typeof wanted === 'string') {
      return got === wanted ? [] : [`${name}: ${typeof got === 'string' ? got : 'drawn or not reached'}`];
    }
    const [a, b] = [pictureOf(ours, mode), pictureOf(qemus, mode)];
    if (a.size !== b.size) return [`${name}: size ${a.size}, not ${b.size}`];
    const at = b.pixels.findIndex((byte, i) => byte !== a.pixels[i]);
    return at < 0 ? [] : [`${name}: byte ${at} is ${a.pixels[at]}, not ${b.pixels[at]}`];
  });
}

async function picturesOfBoth(...args: string[]): Promise<{ readonly ours: Pictures; readonly qemus: Pictures }> {
  const disk = assembledDisk('modes');
  const [qemus, ours] = await Promise.all([picturesOfQemu(disk, ...args), ourPictures(disk, ...args)]);
  expect(qemus.size).toBe(MODES);
  return { ours, qemus };
}

describe.skipIf(missing !== undefined)(`the std VGA${missing === undefined ? '' : `: ${missing} is missing`}`, () => {
  test(
    'shows every mode of its BIOS as QEMU does',
    async () => {
      const { ours, qemus } = await picturesOfBoth('-M', 'pc', '-vga', 'std');
      const comparable = new Map([...qemus].filter(([mode]) => !PLANAR_VBE.includes(mode)));
      expect(differences(ours, comparable)).toEqual([]);
      // The message that the BIOS writes into the first line of each.
      const line = (mode: number) => Array.from({ length: 16 }, (_, y) => pictureOf(ours, mode).row(y, 8 * 30));
      for (const mode of PLANAR_VBE) expect(line(mode)).toEqual(line(0x12));
    },
    TIMEOUT_MS,
  );

  test(
    'the Cirrus adapter, too',
    async () => {
      const { ours, qemus } = await picturesOfBoth('-M', 'pc', '-vga', 'cirrus');
      expect(differences(ours, qemus)).toEqual([]);
    },
    TIMEOUT_MS,
  );
});
