import { VmError } from '../../util/errors.ts';
import { parseKeyValues } from './keyvals.ts';
import type { CharBackend } from './machine-options.ts';
import { parseOnOff } from './values.ts';

/** A back end, or a reference to one that `-chardev` describes. */
export type NamedOrBackend = CharBackend | { readonly kind: 'named'; readonly id: string };

function noSuchDriver(name: string): never {
  throw new VmError(`'${name}' is not a valid char driver`, {
    hint: 'Use stdio, mon:stdio, file:<path>, null or none.',
  });
}

function fileBackend(path: string): CharBackend {
  if (path === '') throw new VmError("Could not open '': No such file or directory");
  return { kind: 'file', path };
}

/** The back end that `-serial`, `-monitor` or `-debugcon` names; undefined for `none`. */
export function parseCharBackend(text: string): NamedOrBackend | undefined {
  const muxed = text.startsWith('mon:');
  const name = muxed ? text.slice(4) : text;
  if (name === 'none') return undefined;
  if (name === 'null') return { kind: 'null' };
  if (name === 'stdio') return { kind: 'stdio', muxed };
  if (name === 'vc' || name.startsWith('vc:')) return { kind: 'vc' };
  if (name.startsWith('file:')) return fileBackend(name.slice(5));
  if (name.startsWith('chardev:')) return { kind: 'named', id: name.slice(8) };
  return noSuchDriver(name);
}

/** `-chardev backend,id=id[,path=path][,mux=on|off]`: QEMU's long form. */
export function parseChardev(text: string): { readonly id: string; readonly backend: CharBackend } {
  const values = new Map<string, string>();
  for (const { key, value } of parseKeyValues(text, 'backend')) {
    if (!['backend', 'id', 'path', 'mux', 'signal'].includes(key)) throw new VmError(`Invalid parameter '${key}'`);
    values.set(key, value);
  }
  const id = values.get('id');
  if (id === undefined) throw new VmError('chardev: no id specified');
  const muxed = parseOnOff(values.get('mux') ?? 'off', 'mux');
  const kind = values.get('backend') ?? '';
  if (kind === 'null') return { id, backend: { kind } };
  if (kind === 'stdio') return { id, backend: { kind, muxed } };
  if (kind !== 'file') return noSuchDriver(kind);
  const path = values.get('path');
  if (path === undefined) throw new VmError('chardev: file: no filename given');
  return { id, backend: fileBackend(path) };
}

/** The back end itself, by reference or not. */
export function resolveBackend(given: NamedOrBackend, chardevs: Record<string, CharBackend>): CharBackend {
  if (given.kind !== 'named') return given;
  const { id } = given;
  const found = Object.hasOwn(chardevs, id) ? chardevs[id] : undefined;
  if (found === undefined) throw new VmError(`chardev "${id}" not found`, { hint: `Add -chardev …,id=${id}` });
  // A back end serves one front end.
  delete chardevs[id];
  return found;
}
