/** Files of the host: those that options name, and those that character devices and logs write. */
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { VmError } from '../util/errors.ts';
import type { MachineOptions } from '../vm/options/machine-options.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'No such file or directory',
  EACCES: 'Permission denied',
  EISDIR: 'Is a directory',
  ENOTDIR: 'Not a directory',
  EROFS: 'Read-only file system',
  ENOSPC: 'No space left on device',
};

export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return REASONS[code] ?? (code !== '' ? code : String(error));
}

/** The contents of the files that the options name, by the names they use. */
export function readNamedFiles(options: MachineOptions): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  const read = (what: string, name: string | undefined): void => {
    if (name === undefined) return;
    try {
      files[name] = readFileSync(name);
    } catch (error) {
      throw new VmError(`could not open ${what} '${name}': ${reasonOf(error)}`);
    }
  };
  read('PC BIOS', options.bios);
  read('kernel file', options.kernel);
  for (const { file } of options.optionRoms) read('option ROM', file);
  for (const item of options.fwCfg) if ('file' in item) read('fw_cfg file', item.file);
  for (const name of initrdNames(options.initrd)) read('initrd', name);
  return files;
}

/** `-initrd` is a file's name, or for a multiboot kernel a list of modules with arguments: `file args,file args`. */
function initrdNames(initrd: string | undefined): readonly string[] {
  if (initrd === undefined) return [];
  if (!initrd.includes(',') && !initrd.includes(' ')) return [initrd];
  if (isReadable(initrd)) return [initrd];
  return initrd.split(',').map((module) => module.trim().split(' ')[0] ?? '');
}

function isReadable(name: string): boolean {
  try {
    closeSync(openSync(name, 'r'));
    return true;
  } catch {
    return false;
  }
}

export interface FileSink {
  write(bytes: Uint8Array | string): void;
  close(): void;
}

/** Creates or empties a file; throws a VmError, worded with the reason, if that is refused. */
export function openSink(path: string, message: (reason: string) => string): FileSink {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'w');
  } catch (error) {
    throw new VmError(message(reasonOf(error)), { cause: error });
  }
  return {
    write(bytes) {
      const data = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
      for (let at = 0; at < data.length; ) at += writeSync(descriptor, data, at);
    },
    close: () => closeSync(descriptor),
  };
}
