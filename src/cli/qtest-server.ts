/** Serves the qtest protocol on the terminal or a socket. */
import { connect as connectSocket, createServer } from 'node:net';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { VmError } from '../util/errors.ts';
import type { QtestOption } from '../vm/options/machine-options.ts';

/** A longer line is a mistake of the client; it must not fill our memory. */
const MAX_LINE = 1 << 30;

interface QtestServer {
  /** Sends a line that is no answer. */
  tell(line: string): void;
  close(): void;
}

/** `execute` answers a line; `closed` is called when the client has gone. */
export async function serveQtest(
  option: QtestOption,
  execute: (line: string) => Promise<string>,
  closed: () => void,
): Promise<QtestServer> {
  const [input, output, release] = await open(option);
  const lines = createInterface({ input });
  let last = Promise.resolve();
  lines.on('line', (line) => {
    last = last.then(async () => {
      const answer = line.length > MAX_LINE ? 'FAIL line too long' : await execute(line);
      output.write(`${answer}\n`);
    });
  });
  lines.on('close', () => void last.then(closed));
  return {
    tell: (line) => void output.write(`${line}\n`),
    close() {
      lines.close();
      release();
    },
  };
}

async function open(option: QtestOption): Promise<[Readable, Writable, () => void]> {
  if (option.kind === 'stdio') return [process.stdin, process.stdout, () => process.stdin.pause()];
  const { path, server } = option;
  const failed = (error: Error): VmError =>
    new VmError(`-qtest unix:${path}: Failed to ${server ? 'bind' : 'connect to'} '${path}': ${error.message}`);
  if (!server) {
    const socket = connectSocket(path);
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', (error) => reject(failed(error)));
    });
    return [socket, socket, () => socket.destroy()];
  }
  const listening = createServer();
  return new Promise((resolve, reject) => {
    listening.once('error', (error) => reject(failed(error)));
    listening.once('connection', (socket) => {
      listening.close();
      resolve([socket, socket, () => socket.destroy()]);
    });
    listening.listen(path);
  });
}
