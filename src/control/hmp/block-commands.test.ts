import { expect, test } from 'vitest';
import { execute } from '../command.ts';
import { commands } from '../commands/index.ts';
import { createFakeVm } from '../vm-control.fixture.ts';
import { createHumanMonitor } from './hmp.ts';

test('info block prints what QEMU prints', async () => {
  const monitor = createHumanMonitor(createFakeVm());
  expect(await monitor.execute('info block')).toBe(
    `ide0-hd0 (#block177): /tmp/o.qcow2 (qcow2)
    Attached to:      /machine/unattached/device[23]
    Cache mode:       writeback
    Backing file:     /tmp/d.img (chain depth: 1)

ide1-cd0: [not inserted]
    Attached to:      /machine/unattached/device[24]
    Removable device: not locked, tray closed
`,
  );
  expect(await monitor.execute('info block ide1-cd0')).toContain('[not inserted]');
  expect(await monitor.execute('info block sd0')).toBe("Device 'sd0' not found\n");
  expect(await monitor.execute('info blockstats')).toContain(
    'ide0-hd0: rd_bytes=1024 wr_bytes=512 rd_operations=2 wr_operations=1 flush_operations=3 wr_total_time_ns=10 ' +
      'rd_total_time_ns=20 flush_total_time_ns=30 rd_merged=0 wr_merged=0 idle_time_ns=0\n',
  );
});

test.each([
  ['change ide1-cd0 /x.iso', 'change ide1-cd0 /x.iso undefined undefined false'],
  ['change ide1-cd0 -f "a b.iso" raw read-only', 'change ide1-cd0 a b.iso raw read-only true'],
  ['eject ide1-cd0', 'eject ide1-cd0 false'],
  ['eject -f ide1-cd0', 'eject ide1-cd0 true'],
  ['block_resize ide0-hd0 16', 'resize ide0-hd0 16777216'],
  ['block_resize ide0-hd0 1.5G', 'resize ide0-hd0 1610612736'],
  ['commit all', 'commit all'],
])('%s', async (line, did) => {
  const vm = createFakeVm();
  expect(await createHumanMonitor(vm).execute(line)).toBe('');
  expect(vm.log).toEqual([did]);
});

test.each([
  ['eject', 'eject: block device name expected'],
  ['change ide1-cd0', 'change: filename expected'],
  ['block_resize ide0-hd0 x', 'block_resize: invalid size'],
  ['change ide1-cd0 /x raw maybe', 'invalid parameter value: maybe'],
])('%s is refused', async (line, message) => {
  expect(await createHumanMonitor(createFakeVm()).execute(line)).toContain(message);
});

test('query-block and query-blockstats fit their schemas', async () => {
  const vm = createFakeVm();
  for (const name of ['query-block', 'query-blockstats']) {
    const result = await execute(commands, name, {}, vm);
    expect(commands.find((command) => command.name === name)?.returns.parse(result, '')).toEqual(result);
  }
  expect(await execute(commands, 'query-block', {}, vm)).toMatchObject([
    { device: 'ide0-hd0', inserted: { drv: 'qcow2', backing_file_depth: 1 }, 'io-status': 'ok' },
    { device: 'ide1-cd0', removable: true, tray_open: false },
  ]);
});
