import { describe, expect, test } from 'vitest';
import { createMemoryNode } from '../block/backends/memory.ts';
import { createNodeHost } from '../cli/node-host.ts';
import type { VmEvent } from './api.ts';
import { exportSource } from './export-image.ts';
import { MachineVm } from './machine-vm.ts';

const image = (byte: number, sectors = 4): Uint8Array => new Uint8Array(sectors * 512).fill(byte);

/** A machine that stands still, with drives of these arguments. */
async function machine(args: readonly string[], files: Readonly<Record<string, Uint8Array>> = {}) {
  const events: VmEvent[] = [];
  const vm = new MachineVm({
    host: createNodeHost(),
    openHostFile: async (name, { readonly }) => {
      const bytes = files[name];
      return bytes && createMemoryNode(bytes, { readonly });
    },
  });
  const common = ['-S', '-nodefaults', '-m', '16', '-display', 'none', '-vga', 'none', '-bios', 'bios'];
  await vm.start({ args: [...common, ...args], files: { bios: new Uint8Array(0x10000) } }, (event) =>
    events.push(event),
  );
  return { vm, events, monitor: (line: string) => vm.monitor(line) };
}

describe('media', () => {
  test('are changed, ejected and shown', async () => {
    const { vm, monitor } = await machine(['-cdrom', 'a.iso'], { 'a.iso': image(1), 'b.iso': image(2, 8) });
    expect(await monitor('info block ide1-cd0')).toBe(
      'ide1-cd0 (#block1): a.iso (raw, read-only)\n    Attached to:      /machine/peripheral-anon/ide-cd\n' +
        '    Removable device: not locked, tray closed\n    Cache mode:       writeback\n',
    );
    expect(await monitor('change ide1-cd0 b.iso')).toBe('');
    expect(await vm.drives()).toMatchObject([{ medium: { file: 'b.iso', sizeBytes: 4096 }, trayOpen: false }]);
    expect(await monitor('change ide1-cd0 /nope')).toContain("Could not open '/nope': No such file or directory");
    expect(await monitor('eject ide1-cd0')).toBe('');
    expect(await monitor('info block')).toContain('ide1-cd0: [not inserted]');
    expect(await monitor('info block')).toContain('tray open');
    await vm.changeMedium('ide1-cd0', 'c.iso', { source: { kind: 'bytes', bytes: image(3, 2) } });
    expect(await vm.drives()).toMatchObject([{ medium: { file: 'c.iso', readonly: true } }]);
    expect(await monitor('eject nosuch')).toContain("Device 'nosuch' not found");
    await vm.quit();
  });

  test('that are not removable stay', async () => {
    const { vm, monitor } = await machine(['-drive', 'file=a,format=raw'], { a: image(1) });
    expect(await monitor('eject ide0-hd0')).toContain("Device 'ide0-hd0' is not removable");
    await vm.quit();
  });
});

describe('images', () => {
  test('grow', async () => {
    const a = image(1);
    const { vm, monitor } = await machine(['-drive', 'file=a,format=raw,if=virtio'], { a });
    expect(await monitor('block_resize virtio0 1')).toBe('');
    expect(await vm.drives()).toMatchObject([{ medium: { sizeBytes: 2 ** 20 } }]);
    await vm.quit();
  });

  test('are exported as they are, and as qcow2', async () => {
    const bytes = new Uint8Array(3 * 2 ** 20);
    bytes.set(image(7), 2 ** 20);
    const { vm } = await machine(['-drive', 'file=a,format=raw'], { a: bytes });
    const exported = async (format: 'raw' | 'qcow2'): Promise<Uint8Array> => {
      const pieces: Uint8Array[] = [];
      await vm.exportDrive('ide0-hd0', format, (piece) => pieces.push(piece));
      return Uint8Array.from(pieces.flatMap((piece) => [...piece]));
    };
    expect(Buffer.compare(await exported('raw'), bytes)).toBe(0);
    const packed = await exported('qcow2');
    await vm.quit();
    expect(packed.length).toBeLessThan(2 ** 20);
    const other = await machine(['-drive', 'file=a.qcow2'], { 'a.qcow2': packed });
    const pieces: Uint8Array[] = [];
    await other.vm.exportDrive('ide0-hd0', 'raw', (piece) => pieces.push(piece));
    expect(Buffer.compare(Buffer.concat(pieces), bytes)).toBe(0);
    await other.vm.quit();
  });

  test('are exported without a machine', async () => {
    const pieces: Uint8Array[] = [];
    await exportSource('a', { kind: 'bytes', bytes: image(5) }, 'raw', (piece) => pieces.push(piece));
    expect(Buffer.compare(Buffer.concat(pieces), image(5))).toBe(0);
  });

  test('that nobody named the format of are said to be taken for raw', async () => {
    const { vm, events } = await machine(['-hda', 'a'], { a: image(1) });
    expect(events).toMatchObject([{ kind: 'message', level: 'warning', text: expect.stringContaining("for 'a'") }]);
    await vm.quit();
  });

  test.each([
    [['-hda', 'nope'], "Could not open 'nope': No such file or directory"],
    [['-drive', 'file=a,format=foo'], "Could not open 'a': Unknown driver 'foo'"],
    [['-drive', 'if=none,id=x', '-device', 'ide-hd,drive=y'], "can't find value 'y'"],
    [['-drive', 'if=ide'], 'drive is empty'],
    [['-drive', 'file=a,format=raw', '-drive', 'file=a,format=raw'], 'Failed to get "write" lock'],
  ])('%j is refused', async (args, message) => {
    await expect(machine(args, { a: image(1) })).rejects.toThrow(message);
  });
});
