import { expect, test } from 'vitest';
import { execute } from './command.ts';
import { commands } from './commands/index.ts';
import { createFakeVm } from './vm-control.fixture.ts';

test('commands have distinct names and are documented', () => {
  expect(new Set(commands.map(({ name }) => name)).size).toBe(commands.length);
  for (const { name, doc } of commands) expect(doc, name).toMatch(/\.$/);
});

test('query-status follows stop and cont, and its result fits its schema', async () => {
  const vm = createFakeVm();
  await execute(commands, 'cont', {}, vm);
  expect(await execute(commands, 'query-status', {}, vm)).toEqual({ running: true, status: 'running' });
  await execute(commands, 'stop', {}, vm);
  const result = await execute(commands, 'query-status', {}, vm);
  expect(result).toEqual({ running: false, status: 'paused' });
  expect(commands.find(({ name }) => name === 'query-status')?.returns.parse(result, '')).toEqual(result);
});

test('foreign arguments are refused by name', async () => {
  const vm = createFakeVm();
  await expect(execute(commands, 'stop', { x: 1 }, vm)).rejects.toThrow("Parameter 'x' is unexpected");
  await expect(execute(commands, 'stop', [], vm)).rejects.toThrow("Invalid parameter type for '', expected: object");
  await expect(execute(commands, 'nope', {}, vm)).rejects.toMatchObject({ class: 'CommandNotFound' });
});
