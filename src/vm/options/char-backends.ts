import { VmError } from '../../util/errors.ts';
import type { CharBackend } from './machine-options.ts';

/** The back end that `-serial`, `-monitor` or `-debugcon` names; undefined for `none`. */
export function parseCharBackend(text: string): CharBackend | undefined {
  const muxed = text.startsWith('mon:');
  const name = muxed ? text.slice(4) : text;
  if (name === 'none') return undefined;
  if (name === 'null') return { kind: 'null' };
  if (name === 'stdio') return { kind: 'stdio', muxed };
  if (name === 'vc' || name.startsWith('vc:')) return { kind: 'vc' };
  if (name.startsWith('file:')) {
    const path = name.slice(5);
    if (path === '') throw new VmError("Could not open '': No such file or directory");
    return { kind: 'file', path };
  }
  throw new VmError(`'${name}' is not a valid char driver`, {
    hint: 'Use stdio, mon:stdio, file:<path>, null or none.',
  });
}
