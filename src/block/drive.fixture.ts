/** A disk in memory for tests of devices. Requests wait until the test says that they end, in its order. */
import type { BlockError, Drive, DriveFrontEnd, RequestId } from './api.ts';

export interface TestDrive extends Drive {
  readonly bytes: Uint8Array;
  /** What the device asked for and has not heard the end of, oldest first. */
  readonly waiting: readonly string[];
  /** Ends the oldest request (or the `n`-th), with an error if one is given. */
  complete(error?: BlockError, n?: number): void;
  completeAll(): void;
  /** Puts a medium in or takes it out. */
  insert(bytes: Uint8Array | undefined): void;
  readonly locked: boolean;
  readonly open: boolean;
}

interface Waiting {
  readonly id: RequestId;
  readonly text: string;
  run(): Uint8Array | undefined;
}

export function testDrive(
  medium: Uint8Array | undefined,
  { media = 'disk', readonly = false }: { media?: Drive['media']; readonly?: boolean } = {},
): TestDrive {
  let bytes = medium;
  let waiting: Waiting[] = [];
  let frontEnd: DriveFrontEnd | undefined;
  let next = 1;
  let locked = false;
  let open = false;

  const add = (text: string, run: (bytes: Uint8Array) => Uint8Array | undefined): RequestId => {
    waiting.push({ id: next, text, run: () => run(bytes ?? new Uint8Array()) });
    return next++;
  };
  const failure = ({ text }: Waiting): BlockError | undefined => {
    if (bytes === undefined) return 'ENOMEDIUM';
    const [what, offset, length] = text.split(' ');
    if (Number(offset ?? 0) + Number(length ?? 0) > bytes.length) return 'EIO';
    return readonly && (what === 'write' || what === 'zero') ? 'EROFS' : undefined;
  };
  return {
    id: 'drive0',
    media,
    serial: undefined,
    bootSector: medium?.slice(0, 512),
    readonly,
    get inserted() {
      return bytes !== undefined;
    },
    get sizeBytes() {
      return bytes?.length ?? 0;
    },
    get bytes() {
      return bytes ?? new Uint8Array();
    },
    get waiting() {
      return waiting.map(({ text }) => text);
    },
    get locked() {
      return locked;
    },
    get open() {
      return open;
    },
    attach: (end) => {
      frontEnd = end;
    },
    read: (offset, length) => add(`read ${offset} ${length}`, (disk) => disk.slice(offset, offset + length)),
    write: (offset, from) =>
      add(`write ${offset} ${from.length}`, (disk) => {
        disk.set(from, offset);
        return undefined;
      }),
    writeZeroes: (offset, length) =>
      add(`zero ${offset} ${length}`, (disk) => {
        disk.fill(0, offset, offset + length);
        return undefined;
      }),
    discard: (offset, length) => add(`discard ${offset} ${length}`, () => undefined),
    flush: () => add('flush', () => undefined),
    forget() {
      for (const request of waiting) if (failure(request) === undefined) request.run();
      waiting = [];
    },
    lock(on) {
      locked = on;
    },
    eject(to) {
      open = to;
    },
    complete(error, n = 0) {
      const [request] = waiting.splice(n, 1);
      if (request === undefined) throw new Error('no request waits');
      const why = error ?? failure(request);
      frontEnd?.completed(request.id, why, why === undefined ? request.run() : undefined);
    },
    completeAll() {
      while (waiting.length > 0) this.complete();
    },
    insert(next) {
      bytes = next;
      waiting = [];
      open = false;
      frontEnd?.mediumChanged?.();
    },
  };
}
