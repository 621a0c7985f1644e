/** Runs a machine from a command line to its end; the result is the exit status. */
import { existsSync, readFileSync } from 'node:fs';
import type { Server } from 'node:net';
import { VmError } from '../util/errors.ts';
import type { VmEvent } from '../vm/api.ts';
import { catalogueI386, defaultFirmware, firmwareOptionRoms } from '../vm/catalogue-i386.ts';
import { MachineVm } from '../vm/machine-vm.ts';
import type { CharBackend, MachineOptions } from '../vm/options/machine-options.ts';
import { parseCommandLine } from '../vm/options/parse.ts';
import { Console } from './console.ts';
import { openFileNode } from './file-node.ts';
import { serveGdb } from './gdb-server.ts';
import { type FileSink, openSink, readNamedFiles } from './host-files.ts';
import { createNodeHost } from './node-host.ts';
import { serveQtest } from './qtest-server.ts';
import { StandardOutput } from './standard-output.ts';
import { openWavFile } from './wav-file.ts';

/** Where `npm run roms` puts firmware. */
const FIRMWARE_FOLDER = new URL('../../roms/out/', import.meta.url);

export async function runCommandLine(program: string, args: readonly string[]): Promise<number> {
  const complain = (text: string): void => void process.stderr.write(`${program}: ${text}\n`);
  const stdout = new StandardOutput();
  try {
    const parsed = parseCommandLine(args, catalogueI386);
    if (parsed.kind === 'answer') {
      stdout.write(parsed.text);
      stdout.flush();
      return parsed.exitCode;
    }
    return await runMachine(args, parsed.options, stdout, complain);
  } catch (error) {
    if (!(error instanceof VmError)) throw error;
    complain(error.message);
    if (error.hint !== undefined) process.stderr.write(`${error.hint}\n`);
    return 1;
  }
}

async function runMachine(
  args: readonly string[],
  options: MachineOptions,
  stdout: StandardOutput,
  complain: (text: string) => void,
): Promise<number> {
  const files = { ...readFirmware(options), ...readNamedFiles(options) };
  const log = openLog(options);
  const sinks = options.serial.map((backend) => openCharSink('-serial', backend));
  const chardevSinks = new Map(
    Object.entries(options.chardevs).map(([id, backend]) => [id, openCharSink(`-chardev id=${id}`, backend)]),
  );
  const wav = options.audio?.driver === 'wav' ? openWavFile(options.audio.path) : undefined;
  const vm = new MachineVm({
    host: createNodeHost(),
    log: log && ((text) => log.write(text)),
    openHostFile: async (name, access) => openFileNode(name, access),
  });
  const stdioPort = options.serial.findIndex(({ kind }) => kind === 'stdio');
  const stdioChardev = Object.entries(options.chardevs).find(([, { kind }]) => kind === 'stdio')?.[0];
  const terminal = new Console({
    vm,
    options,
    stdout,
    serialPort: stdioPort < 0 ? undefined : stdioPort,
    chardev: stdioPort < 0 ? stdioChardev : undefined,
  });

  return new Promise<number>((resolve, reject) => {
    let gdb: Server | undefined;
    let qtest: Awaited<ReturnType<typeof serveQtest>> | undefined;
    const end = (status: number): void => {
      gdb?.close();
      terminal.close();
      qtest?.close();
      stdout.flush();
      for (const sink of [...sinks, ...chardevSinks.values(), log, wav]) sink?.close();
      resolve(status);
    };
    const onEvent = (event: VmEvent): void => {
      switch (event.kind) {
        case 'serial':
          sinks[event.port]?.write(event.bytes);
          if (event.port === stdioPort) terminal.serialOutput(event.bytes);
          break;
        case 'chardev':
          chardevSinks.get(event.id)?.write(event.bytes);
          if (options.chardevs[event.id]?.kind === 'stdio') stdout.write(event.bytes);
          break;
        case 'message':
          if (event.level !== 'info') {
            stdout.flush();
            complain(event.text);
          }
          break;
        case 'state':
          // Without a monitor nobody could do anything about it.
          if (event.state === 'internal-error' && !terminal.hasMonitor) end(1);
          break;
        case 'exit':
          end(event.code);
          break;
        case 'audio':
          wav?.write(event.samples, event.rate);
          break;
        case 'qtest':
          qtest?.tell(event.line);
          break;
        case 'file':
          saveFile(event.name, event.bytes, complain);
          break;
        case 'display':
        case 'status':
          break;
      }
    };
    const stopOn = (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', number: number): void => {
      process.on(signal, () => {
        complain(`terminating on signal ${number}`);
        void vm.quit();
      });
    };
    stopOn('SIGINT', 2);
    stopOn('SIGTERM', 15);
    stopOn('SIGHUP', 1);
    vm.start({ args, files }, onEvent)
      .then(async () => {
        if (options.gdb !== undefined) gdb = await serveGdb(vm, options.gdb);
        terminal.open();
        if (options.qtest === undefined) return;
        qtest = await serveQtest(
          options.qtest,
          (line) => vm.qtest(line),
          () => void vm.quit(),
        );
      })
      .catch(reject);
  });
}

function saveFile(name: string, bytes: Uint8Array, complain: (text: string) => void): void {
  try {
    const sink = openSink(name, (reason) => `failed to open '${name}': ${reason}`);
    sink.write(bytes);
    sink.close();
  } catch (error) {
    if (!(error instanceof VmError)) throw error;
    complain(error.message);
  }
}

/** What firmware the machine needs, as far as it was fetched. */
export function readFirmware(options: MachineOptions): Record<string, Uint8Array> {
  const files: Record<string, Uint8Array> = {};
  for (const name of [defaultFirmware(options), ...firmwareOptionRoms(options)]) {
    if (name === undefined) continue;
    const url = new URL(name, FIRMWARE_FOLDER);
    if (existsSync(url)) files[name] = readFileSync(url);
  }
  return files;
}

function openLog({ log: { items, file } }: MachineOptions): FileSink | undefined {
  if (file !== undefined) return openSink(file, (reason) => `Error opening logfile ${file}: ${reason}`);
  if (items.length === 0) return undefined;
  return { write: (text) => void process.stderr.write(text), close() {} };
}

function openCharSink(option: string, backend: CharBackend): FileSink | undefined {
  if (backend.kind !== 'file') return undefined;
  return openSink(
    backend.path,
    (reason) => `${option} file:${backend.path}: Could not open '${backend.path}': ${reason}`,
  );
}
