import { expect, test } from 'vitest';
import { VmError } from '../util/errors.ts';
import { fromRemote, toRemote } from './remote-error.ts';

test('class and hint of a VmError survive structured cloning', () => {
  const sent = toRemote(new VmError('drive missing', { class: 'DeviceNotFound', hint: 'add one' }));
  const error = fromRemote(structuredClone(sent));
  expect(error).toBeInstanceOf(VmError);
  expect(error).toMatchObject({ message: 'drive missing', class: 'DeviceNotFound', hint: 'add one' });
});

test('other errors pass as they are', () => {
  const bug = new Error('BUG: x');
  expect(toRemote(bug)).toBe(bug);
  expect(fromRemote(bug)).toBe(bug);
  expect(fromRemote(undefined)).toBeUndefined();
});
