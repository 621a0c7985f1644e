import { command } from '../command.ts';
import { bool, enumOf, optional, str, struct } from '../schema.ts';
import { RUN_STATES } from '../vm-control.ts';

const nothing = struct({});

export const queryStatus = command({
  name: 'query-status',
  doc: 'Query the run status of the VM.',
  args: nothing,
  returns: struct({ running: bool, status: enumOf(...RUN_STATES) }),
  run: (_args, vm) => ({ running: vm.runState === 'running', status: vm.runState }),
});

export const queryName = command({
  name: 'query-name',
  doc: 'Return the name information of a guest.',
  args: nothing,
  returns: struct({ name: optional(str) }),
  run: (_args, vm) => ({ name: vm.name }),
});

export const queryUuid = command({
  name: 'query-uuid',
  doc: 'Query the guest UUID information.',
  args: nothing,
  returns: struct({ UUID: str }),
  run: (_args, vm) => ({ UUID: vm.uuid }),
});

export const queryVersion = command({
  name: 'query-version',
  doc: 'Returns the current version.',
  args: nothing,
  returns: struct({ package: str }),
  run: (_args, vm) => ({ package: vm.version }),
});
