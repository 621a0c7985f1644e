/** `lockstep-img`: disk images, created, checked and converted. */
import { writeSync } from 'node:fs';
import { runImg } from './img/program.ts';

const writer = (descriptor: number) => (text: string) => {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(descriptor, bytes, at);
};

process.exitCode = await runImg(process.argv.slice(2), { say: writer(1), complain: writer(2) });
