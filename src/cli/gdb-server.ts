/** `-gdb tcp:host:port`: serves GDB's protocol on a socket, one debugger at a time. */
import { createServer, type Server, type Socket } from 'node:net';
import { VmError } from '../util/errors.ts';
import { createGdbStub, type GdbLine, type MachineVm } from '../vm/machine-vm.ts';

export interface GdbAddress {
  readonly host: string;
  readonly port: number;
}

/** Resolves when the port is open. */
export function serveGdb(vm: MachineVm, { host, port }: GdbAddress): Promise<Server> {
  let current: Socket | undefined;
  const server = createServer((socket) => {
    if (current !== undefined) {
      socket.destroy();
      return;
    }
    current = socket;
    socket.setNoDelay(true);
    const stub: GdbLine = createGdbStub(vm, (text) => void socket.write(Buffer.from(text, 'latin1')));
    socket.on('data', (bytes: Buffer) => stub.receive(bytes));
    socket.on('error', () => {});
    socket.on('close', () => {
      current = undefined;
      stub.close();
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new VmError(`-gdb tcp:${host}:${port}: Failed to bind socket: ${error.code ?? error.message}`)),
    );
    server.listen(port, host, () => resolve(server));
  });
}
