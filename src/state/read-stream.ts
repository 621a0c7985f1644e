/**
 * Reads a migration stream. Nothing in it is trusted: every failure is a VmError that names what is wrong. Nothing of the
 * machine changes before the whole stream has been read and found good.
 */
import { ByteReader } from '../hw/core/state-bytes.ts';
import { VmError } from '../util/errors.ts';
import { MAGIC, MARK, PAGE_BYTES, RAM_FLAG, RAM_SECTION, RAM_VERSION, type RamBlock, VERSION } from './format.ts';

/** Who takes the payload of a section. */
export interface StateTaker {
  readonly id: string;
  readonly stateVersion: number;
  /** Decodes and checks; what it returns puts the state in place. Reads from `reader` what belongs to it, no more. */
  decode(reader: ByteReader): () => void;
}

export interface StateTakers {
  readonly machine: string;
  readonly ram: readonly RamBlock[];
  readonly owners: readonly StateTaker[];
}

/** A page's new contents: bytes, or one value for all of them. */
interface PageUpdate {
  readonly block: RamBlock;
  readonly offset: number;
  readonly content: Uint8Array | number;
}

/** A stream that fits the machine. */
export interface ReadState {
  /** Fills memory and all owners, in the stream's order. */
  apply(): void;
}

/** Reads a whole stream; `name` is what messages call it. Throws a VmError if it is damaged or of another machine. */
export function readState(stream: Uint8Array, takers: StateTakers, name: string): ReadState {
  const reader = new ByteReader(stream, name);
  const fail = (what: string): never => {
    throw new VmError(`${name}: ${what}`);
  };
  if (reader.left < 8 || reader.u32() !== MAGIC) fail('not a migration stream');
  const version = reader.u32();
  if (version !== VERSION) fail(`stream version ${version} is not supported (${VERSION})`);

  const pages: PageUpdate[] = [];
  const commits: (() => void)[] = [];
  const missing = new Map(takers.owners.map((owner) => [owner.id, owner]));
  let sawRam = false;
  const sections = new Map<number, string>();
  for (;;) {
    const mark = reader.u8();
    if (mark === MARK.END) break;
    if (mark === MARK.CONFIGURATION) {
      const machine = text(reader, reader.u32());
      if (machine !== takers.machine) fail(`it is of machine '${machine}', not '${takers.machine}'`);
      continue;
    }
    const section = mark === MARK.COMMAND ? fail('commands are not supported') : reader.u32();
    if (mark === MARK.SECTION_START || mark === MARK.SECTION_FULL) {
      const id = text(reader, reader.u8());
      const instance = reader.u32();
      const sectionVersion = reader.u32();
      sections.set(section, id);
      if (instance !== 0) fail(`unknown section '${id}' instance ${instance}`);
      if (id === RAM_SECTION) {
        if (sectionVersion !== RAM_VERSION) fail(`section 'ram': version ${sectionVersion} is not supported`);
        readRam(reader, takers.ram, pages, fail);
        sawRam = true;
      } else {
        const owner = missing.get(id) ?? fail(`the machine has no device '${id}', or it comes twice`);
        if (sectionVersion !== owner.stateVersion) {
          fail(`device '${id}': state version ${sectionVersion} is not supported (${owner.stateVersion})`);
        }
        missing.delete(id);
        commits.push(reader.within(`${id}`, () => owner.decode(reader)));
      }
    } else if (mark === MARK.SECTION_PART || mark === MARK.SECTION_END) {
      if (sections.get(section) !== RAM_SECTION) fail(`part of section ${section}, which has not begun`);
      readRam(reader, takers.ram, pages, fail);
    } else {
      fail(`unknown mark ${mark} at offset ${stream.length - reader.left - 5}`);
    }
    if (reader.u8() !== MARK.FOOTER || reader.u32() !== section) {
      fail(`section '${sections.get(section)}' is not closed by its footer`);
    }
  }
  const [lost] = missing.keys();
  if (lost !== undefined) fail(`device '${lost}' is missing`);
  if (!sawRam) fail('the contents of memory are missing');
  return {
    apply() {
      for (const { block, offset, content } of pages) {
        if (typeof content === 'number') block.bytes.fill(content, offset, offset + PAGE_BYTES);
        else block.bytes.set(content, offset);
      }
      for (const commit of commits) commit();
    },
  };
}

function readRam(
  reader: ByteReader,
  blocks: readonly RamBlock[],
  pages: PageUpdate[],
  fail: (what: string) => never,
): void {
  let block: RamBlock | undefined;
  for (;;) {
    const word = reader.u64();
    const flags = Number(word & BigInt(PAGE_BYTES - 1));
    const offset = Number(word - BigInt(flags));
    if (flags === RAM_FLAG.EOS) return;
    if (flags === RAM_FLAG.MEM_SIZE) {
      checkSizes(reader, offset, blocks, fail);
      continue;
    }
    if ((flags & RAM_FLAG.CONTINUE) === 0) {
      const id = text(reader, reader.u8());
      block = blocks.find(({ name }) => name === id) ?? fail(`unknown memory block '${id}'`);
    }
    if (block === undefined) return fail('a page without its memory block');
    if (offset > block.bytes.length - PAGE_BYTES) fail(`page ${offset} lies outside memory block '${block.name}'`);
    const kind = flags & ~RAM_FLAG.CONTINUE;
    if (kind === RAM_FLAG.FILL) pages.push({ block, offset, content: reader.u8() });
    else if (kind === RAM_FLAG.PAGE) pages.push({ block, offset, content: reader.borrow(PAGE_BYTES) });
    else fail(`memory block '${block.name}': pages of kind ${kind} are not supported`);
  }
}

function checkSizes(
  reader: ByteReader,
  total: number,
  blocks: readonly RamBlock[],
  fail: (what: string) => never,
): void {
  for (let sum = 0; sum < total; ) {
    const id = text(reader, reader.u8());
    const length = Number(reader.u64());
    const block = blocks.find(({ name }) => name === id) ?? fail(`unknown memory block '${id}'`);
    if (length !== block.bytes.length) {
      fail(`memory block '${id}' has ${length} bytes, the machine's ${block.bytes.length}`);
    }
    sum += length;
  }
}

const text = (reader: ByteReader, length: number): string => new TextDecoder('latin1').decode(reader.bytes(length));
