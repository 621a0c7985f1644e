import { describe, expect, test } from 'vitest';
import { argumentsOf, shellText } from './command-line.ts';
import { cardById } from './machines.ts';

const choice = {
  card: cardById('linux-isapc'),
  ramMiB: 256,
  append: 'console=ttyS0 quiet',
  kernelName: 'vmlinuz',
  initrdName: 'initrd.gz',
};

describe('the command line of a choice', () => {
  test('names board, processor, memory and files', () => {
    expect(shellText(argumentsOf(choice))).toBe(
      'lockstep-system-i386 -M isapc -cpu pentium2 -m 256 -kernel vmlinuz -initrd initrd.gz ' +
        "-append 'console=ttyS0 quiet' -nographic",
    );
  });

  test('leaves out what is not there: an initrd and an append are refused without a kernel', () => {
    expect(argumentsOf({ ...choice, kernelName: undefined })).not.toContain('-append');
    expect(argumentsOf({ ...choice, kernelName: undefined })).not.toContain('-initrd');
    expect(argumentsOf({ ...choice, initrdName: undefined, append: '' })).toEqual(
      ['-M', 'isapc', '-cpu', 'pentium2', '-m', '256', '-kernel', 'vmlinuz', '-nographic'], //
    );
  });

  test('can be pasted into a shell whatever the files are called', () => {
    expect(shellText(['-kernel', "it's $HOME", '-append', '`x`'])).toBe(
      "lockstep-system-i386 -kernel 'it'\\''s $HOME' -append '`x`'",
    );
    expect(shellText([''])).toBe("lockstep-system-i386 ''");
  });
});
