import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { argumentsOf, defaultSpec, type FileRef, filesOf, shellText, wordsOf } from './machine-spec.ts';

const rom = (name: string): FileRef => ({ kind: 'rom', name });
const lookup = (file: FileRef) => ({ name: file.kind === 'rom' ? file.name : `disk ${file.id}`, format: 'qcow2' });

describe('the command line of a machine', () => {
  test('names board, processor, memory and files', () => {
    const spec = {
      ...defaultSpec,
      board: 'isapc',
      cpu: 'pentium2',
      ramMiB: 256,
      kernel: rom('vmlinuz'),
      initrd: rom('initrd.gz'),
      append: 'console=ttyS0 quiet',
      display: 'serial' as const,
    };
    expect(shellText(argumentsOf(spec, lookup))).toBe(
      'lockstep-system-i386 -M isapc -cpu pentium2 -m 256 -kernel vmlinuz -initrd initrd.gz ' +
        "-append 'console=ttyS0 quiet' -nographic",
    );
  });

  test('leaves out what is not there: an initrd and an append are refused without a kernel', () => {
    expect(argumentsOf({ ...defaultSpec, initrd: rom('x'), append: 'quiet' }, lookup)).toEqual([
      '-M',
      'pc',
      '-m',
      '128',
    ]);
  });

  test('says of each drive where it is, what it is and what is in it', () => {
    const spec = {
      ...defaultSpec,
      drives: [
        { slot: 'fda', media: 'floppy', file: rom('a,b.img') },
        { slot: 'hda', media: 'disk', file: { kind: 'disk', id: '1' } },
        { slot: 'hdc', media: 'cdrom' },
        { slot: 'vdb', media: 'disk', file: rom('v') },
      ],
      bootOrder: 'dc',
      bootMenu: true,
      display: 'cirrus',
    } as const;
    expect(argumentsOf(spec, lookup).slice(4)).toEqual([
      '-drive',
      'if=floppy,index=0,format=qcow2,file=a,,b.img',
      '-drive',
      'if=ide,index=0,format=qcow2,file=disk 1',
      '-drive',
      'if=ide,index=2,media=cdrom',
      '-drive',
      'if=virtio,index=1,format=qcow2,file=v',
      '-boot',
      'order=dc,menu=on',
      '-vga',
      'cirrus',
    ]);
    expect(filesOf(spec)).toHaveLength(3);
  });
});

describe('words of a shell', () => {
  test('blanks part them, quotes and backslashes hold them together', () => {
    expect(wordsOf(` -d  int,pcall -append 'a "b"' "c \\" d"e\\ f '' `)).toEqual([
      '-d',
      'int,pcall',
      '-append',
      'a "b"',
      'c " de f',
      '',
    ]);
  });

  test('what is quoted is read back as it was, whatever it is called', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (args) => {
        expect(wordsOf(shellText(args)).slice(1)).toEqual(args);
      }),
    );
  });
});
