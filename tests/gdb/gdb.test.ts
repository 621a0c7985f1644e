/** Debian's GDB at our machine, over a socket, in 16- and 32-bit code, forward and back. */
import { spawn } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { serveGdb } from '../../src/cli/gdb-server.ts';
import { createNodeHost } from '../../src/cli/node-host.ts';
import { MachineVm } from '../../src/vm/machine-vm.ts';
import { multiboot, spin } from '../../src/vm/real-mode.fixture.ts';

/** What GDB prints for a list of commands. */
function gdb(port: number, commands: readonly string[]): Promise<string> {
  const all = ['set pagination off', 'set confirm off', `target remote 127.0.0.1:${port}`, ...commands, 'kill'];
  const child = spawn('gdb', ['-q', '-nx', '-batch', ...all.flatMap((command) => ['-ex', command])]);
  return new Promise((resolve, reject) => {
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => void (text += bytes));
    child.on('error', reject);
    child.on('close', () => resolve(text));
  });
}

// mov eax, 1; mov [200000h], eax; add eax, 41; mov [200000h], eax; spin; jmp $
const PROGRAM = [
  ...[0xb8, 1, 0, 0, 0, 0xa3, 0, 0, 0x20, 0, 0x83, 0xc0, 41, 0xa3, 0, 0, 0x20, 0],
  ...spin(100_000),
  ...[0xeb, 0xfe],
];

test('GDB stops, looks, changes, watches, and takes steps back', async () => {
  const vm = new MachineVm({ host: createNodeHost() });
  const args = ['-S', '-M', 'pc', '-m', '8', '-kernel', 'kernel', '-nographic'];
  await vm.start({ args, files: { kernel: multiboot(PROGRAM) } }, () => {});
  const server = await serveGdb(vm, { host: '127.0.0.1', port: 0 });
  try {
    const text = await gdb((server.address() as AddressInfo).port, [
      'x/2i $eip',
      'stepi',
      'p $eax',
      'watch *(int *) 0x200000',
      'continue',
      'continue',
      'p *(int *) 0x200000',
      'delete',
      'hbreak *0x100037',
      'continue',
      'set $ecx = 2',
      'stepi',
      'p $ecx',
      'reverse-stepi',
      'p $ecx',
      'delete',
      'reverse-continue',
      'p $eip',
      'monitor info replay',
    ]);
    expect(text).toMatch(/=> 0x100020:\tmov +\$0x1,%eax\s+0x100025:\tmov +%eax,0x200000/);
    expect(text).toContain('$1 = 1\n');
    expect(text).toMatch(/Old value = 0\s+New value = 1\s[\s\S]*Old value = 1\s+New value = 42/);
    expect(text).toContain('$2 = 42\n');
    // dec ecx, and back; what GDB changed is where the history begins.
    expect(text).toMatch(/\$3 = 1\n[\s\S]*\$4 = 2\n/);
    expect(text).toMatch(/No more reverse-execution history[\s\S]*\$5 = .* 0x100037/);
    expect(text).toMatch(/History: instruction 5 of 5 to 6/);
  } finally {
    server.close();
  }
}, 60_000);
