/**
 * QEMU's migration stream, version 3: names of its numbers. All integers are big-endian. After the header come sections,
 * each closed by a footer, then the end mark and a description of every device section in JSON.
 */
export const MAGIC = 0x5145_564d; // "QEVM"
export const VERSION = 3;

export const MARK = {
  END: 0x00,
  SECTION_START: 0x01,
  SECTION_PART: 0x02,
  SECTION_END: 0x03,
  SECTION_FULL: 0x04,
  SUBSECTION: 0x05,
  DESCRIPTION: 0x06,
  CONFIGURATION: 0x07,
  COMMAND: 0x08,
  FOOTER: 0x7e,
} as const;

/** Guest page, the unit of the section "ram". */
export const PAGE_BYTES = 4096;
export const RAM_SECTION = 'ram';
export const RAM_VERSION = 4;

/** Low bits of a page's offset. */
export const RAM_FLAG = {
  FILL: 0x02,
  MEM_SIZE: 0x04,
  PAGE: 0x08,
  EOS: 0x10,
  CONTINUE: 0x20,
  XBZRLE: 0x40,
  COMPRESSED: 0x100,
} as const;

/** A piece of the machine's memory that is saved under its name. */
export interface RamBlock {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A device, or another owner of state, as the stream has it. */
export interface StateOwner {
  /** The section's identification: unique in the machine. */
  readonly id: string;
  /** Name and version of the declared state. */
  readonly stateName: string;
  readonly stateVersion: number;
  save(): Uint8Array;
  /** Field by field, for the description. */
  describe(): readonly FieldDescription[];
}

export interface FieldDescription {
  readonly name: string;
  readonly type: string;
  /** Bytes in the stream. */
  readonly size: number;
}
