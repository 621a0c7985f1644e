/** A process that runs one guest in v86 under Node. Its arguments are the image and a time limit in ms; the record goes to standard output. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { V86 } from 'v86';
import { firmware } from '../images.ts';
import { FOLDERS } from '../paths.ts';
import { guestOfArguments, nodeMeter, report } from './node-child.ts';
import { runV86 } from './run-v86.ts';

const guest = guestOfArguments();
const { bios, vgaBios } = firmware();
const parts = {
  V86,
  wasmPath: join(FOLDERS.v86, 'v86.wasm'),
  bios: readFileSync(bios),
  vgaBios: readFileSync(vgaBios),
};
report(await runV86(guest, parts, nodeMeter(guest.image)));
