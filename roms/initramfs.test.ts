import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { initramfs, initramfsEntries } from './initramfs.ts';

const busybox = new TextEncoder().encode('\x7fELF not really');
const out = join(import.meta.dirname, 'out');

test('what the kernel needs before anything runs is there: a console, an executable /init, busybox', () => {
  const entries = initramfsEntries(busybox);
  const entry = (path: string) => entries.find((e) => e.path === path);
  expect(entry('dev/console')).toMatchObject({ kind: 'char', major: 5, minor: 1 });
  expect(entry('init')).toMatchObject({ kind: 'file', mode: 0o755 });
  expect(entry('bin/busybox')).toMatchObject({ kind: 'file', mode: 0o755, data: busybox });
});

test('every entry comes after the directory it lies in', () => {
  const seen = new Set(['']);
  for (const { path, kind } of initramfsEntries(busybox)) {
    expect(seen, path).toContain(path.split('/').slice(0, -1).join('/'));
    if (kind === 'directory') seen.add(path);
  }
});

test('the image is a gzip-compressed cpio archive, the same bytes each time', () => {
  expect(initramfs(busybox)).toEqual(initramfs(busybox));
  expect(gunzipSync(initramfs(busybox)).subarray(0, 6).toString()).toBe('070701');
});

/** Types each line at a prompt of the default guest in native QEMU; resolves with all output and the exit status. */
function guestSession(lines: readonly string[]): Promise<{ output: string; status: number | null }> {
  const files = ['-kernel', join(out, 'vmlinuz-i386'), '-initrd', join(out, 'initramfs-i386.cpio.gz')];
  const machine = ['-M', 'pc', '-accel', 'tcg', '-m', '64', '-nographic', '-no-reboot', '-nic', 'none'];
  const qemu = spawn('qemu-system-i386', [...machine, ...files, '-append', 'console=ttyS0 panic=-1 quiet']);
  onTestFinished(() => void qemu.kill());
  return new Promise((resolve, reject) => {
    let output = '';
    let typed = 0;
    qemu.on('error', reject);
    qemu.stdout.setEncoding('latin1').on('data', (text: string) => {
      output += text;
      const prompts = output.split('/ # ').length - 1;
      if (prompts > typed && typed < lines.length) qemu.stdin.write(`${lines[typed++]}\n`);
    });
    qemu.on('exit', (status) => resolve({ output, status }));
  });
}

test.skipIf(!existsSync(join(out, 'vmlinuz-i386')))(
  'in native QEMU the guest reaches a shell with job control, and powers off',
  { timeout: 180_000 },
  async () => {
    const { output, status } = await guestSession(['echo $((6*7)) $(hostname) $(tty)', 'sleep 99 & jobs', 'poweroff']);
    expect(output).toContain('Lockstep: init started');
    expect(output).toContain('42 lockstep /dev/ttyS0');
    expect(output).toMatch(/\[1\]\+\s+Running\s+sleep 99/);
    expect(output).not.toMatch(/can't access tty|panic/i);
    expect(status).toBe(0);
  },
);
