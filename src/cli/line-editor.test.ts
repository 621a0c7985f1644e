import { expect, test } from 'vitest';
import { LineEditor } from './line-editor.ts';

/** Lines as submitted, and what the terminal shows, its control characters applied. */
function createRig(goOn = true) {
  const lines: string[] = [];
  let screen = '';
  const editor = new LineEditor({
    prompt: '> ',
    print(text) {
      for (const character of text) screen = character === '\b' ? screen.slice(0, -1) : screen + character;
    },
    async submit(line) {
      lines.push(line);
      await Promise.resolve();
      return goOn;
    },
  });
  const type = async (text: string): Promise<void> => {
    editor.receive(text);
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  return { editor, lines, type, screen: () => screen.replaceAll(' \b', '').split('\n').at(-1)?.trimEnd() };
}

test('echoes and submits at the end of a line, then prompts again', async () => {
  const { editor, lines, type, screen } = createRig();
  editor.showPrompt();
  await type('info');
  expect(screen()).toBe('> info');
  await type(' status\r');
  expect(lines).toEqual(['info status']);
  expect(screen()).toBe('>');
});

test('lines that arrive at once are run one after the other', async () => {
  const { lines, type } = createRig();
  await type('a\nb\r\nc\r');
  expect(lines).toEqual(['a', 'b', 'c']);
});

test('backspace and Ctrl-U erase', async () => {
  const { lines, type } = createRig();
  await type('\x7fab\x7fc\r');
  await type('junk\x15x\r');
  expect(lines).toEqual(['ac', 'x']);
});

test('the arrows walk the history', async () => {
  const { lines, type } = createRig();
  await type('one\r');
  await type('two\r');
  await type('\x1b[A\x1b[A\r');
  await type('\x1b[A\x1b[A\x1b[B\r');
  expect(lines).toEqual(['one', 'two', 'one', 'one']);
});

test('sequences of other keys leave no characters', async () => {
  const { lines, type } = createRig();
  await type('a\x1b[3~b\x1b[1;5Cc\r');
  expect(lines).toEqual(['abc']);
});

test('no prompt after the command that ends the session', async () => {
  const { type, screen } = createRig(false);
  await type('quit\r');
  expect(screen()).toBe('');
});
