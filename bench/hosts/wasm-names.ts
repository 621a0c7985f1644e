/**
 * Gives the functions of every wasm module that is compiled from here on a name that profilers show: that of the module
 * (by what it exports) and its export's name or its number. Format: WebAssembly Core Specification 2.0, §5.5 and §7.4.1.
 */

const SECTION = { custom: 0, import: 2, function: 3, export: 7 } as const;
const FUNCTION = 0;
const HEADER_BYTES = 8;
/** Subsection with the names of functions. */
const FUNCTION_NAMES = 1;

export function nameWasm(): void {
  WebAssembly.Module = new Proxy(WebAssembly.Module, {
    construct: (target, [bytes, ...rest]: [Uint8Array, ...unknown[]]) =>
      Reflect.construct(target, [withNames(bytes), ...rest]),
  });
}

/** The module with a name section after its last section. */
export function withNames(module: Uint8Array): Uint8Array {
  const names = functionNames(module);
  const entries = [...names].flatMap(([index, name]) => [...unsigned(index), ...text(name)]);
  const map = [...unsigned(names.size), ...entries];
  const body = [...text('name'), FUNCTION_NAMES, ...unsigned(map.length), ...map];
  return Uint8Array.from([...module, SECTION.custom, ...unsigned(body.length), ...body]);
}

function functionNames(module: Uint8Array): Map<number, string> {
  const reader = new Reader(module);
  const exported = new Map<number, string>();
  let imported = 0;
  let defined = 0;
  for (reader.at = HEADER_BYTES; reader.at < module.length; ) {
    const id = reader.byte();
    const end = reader.unsigned() + reader.at;
    if (id === SECTION.import) imported = reader.countImportedFunctions();
    if (id === SECTION.function) defined = reader.unsigned();
    if (id === SECTION.export) {
      for (let left = reader.unsigned(); left > 0; left--) {
        const name = reader.text();
        const kind = reader.byte();
        const index = reader.unsigned();
        if (kind === FUNCTION) exported.set(index, name);
      }
    }
    reader.at = end;
  }
  const exports = new Set(exported.values());
  const isRegion = [...exports].some((name) => name.startsWith('region'));
  const title = isRegion ? 'compiled' : exports.has('run') ? 'interpreter' : `native(${exports.size})`;
  const names = new Map<number, string>();
  for (let index = imported; index < imported + defined; index++) {
    names.set(index, `${title}.${exported.get(index) ?? index}`);
  }
  return names;
}

class Reader {
  at = 0;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  byte(): number {
    return this.bytes[this.at++] ?? 0;
  }

  unsigned(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  text(): string {
    const length = this.unsigned();
    this.at += length;
    return new TextDecoder().decode(this.bytes.subarray(this.at - length, this.at));
  }

  countImportedFunctions(): number {
    let functions = 0;
    for (let left = this.unsigned(); left > 0; left--) {
      this.text();
      this.text();
      const kind = this.byte();
      if (kind === FUNCTION) {
        functions++;
        this.unsigned();
      } else if (kind === 3) {
        this.at += 2; // a global: its type and mutability
      } else {
        if (kind === 1) this.at++; // a table: its element type, then limits as of a memory
        const hasMaximum = (this.byte() & 1) === 1;
        this.unsigned();
        if (hasMaximum) this.unsigned();
      }
    }
    return functions;
  }
}

function unsigned(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value);
  return [...unsigned(bytes.length), ...bytes];
}
