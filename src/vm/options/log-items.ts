/** Items of `-d`, as QEMU names and explains them. */
export const LOG_ITEMS = [
  { name: 'out_asm', help: 'show generated host assembly code for each compiled TB' },
  { name: 'in_asm', help: 'show target assembly code for each compiled TB' },
  { name: 'op', help: 'show micro ops for each compiled TB' },
  { name: 'op_opt', help: 'show micro ops after optimization' },
  { name: 'int', help: 'show interrupts/exceptions in short format' },
  { name: 'exec', help: 'show trace before each executed TB (lots of logs)' },
  { name: 'cpu', help: 'show CPU registers before entering a TB (lots of logs)' },
  { name: 'fpu', help: "include FPU registers in the 'cpu' logging" },
  { name: 'mmu', help: 'log MMU-related activities' },
  { name: 'cpu_reset', help: 'show CPU state before CPU resets' },
  { name: 'unimp', help: 'log unimplemented functionality' },
  {
    name: 'guest_errors',
    help: 'log when the guest OS does something invalid (eg accessing a\nnon-existent register)',
  },
  { name: 'nochain', help: 'do not chain compiled TBs so that "exec" and "cpu" show\ncomplete traces' },
] as const;

export type LogItem = (typeof LOG_ITEMS)[number]['name'];

export function logHelp(): string {
  return `Log items (comma separated):\n${LOG_ITEMS.map(({ name, help }) => `${name.padEnd(15)} ${help}\n`).join('')}`;
}

/** The items of a `-d` argument; undefined if one of them is unknown. */
export function parseLogItems(text: string): readonly LogItem[] | undefined {
  const names = text.split(',');
  if (names.includes('all')) return LOG_ITEMS.map(({ name }) => name);
  const items = names.map((wanted) => LOG_ITEMS.find(({ name }) => name === wanted)?.name);
  return items.every((item) => item !== undefined) ? items : undefined;
}
