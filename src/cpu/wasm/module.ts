/** Builds a wasm module (WebAssembly Core Specification 2.0, §5.5) over an imported shared memory and function table. */
import { Code } from './code.ts';

export interface Func {
  readonly type: number;
  /** Locals beyond the parameters, as runs of [count, value type]. */
  locals: (readonly [number, number])[];
  readonly code: Code;
}

export class ModuleBuilder {
  readonly #signatures: string[] = [];
  readonly #types: (readonly [readonly number[], readonly number[]])[] = [];
  readonly #imports: { name: string; type: number }[] = [];
  readonly #funcs: Func[] = [];
  readonly #exports: { name: string; func: number }[] = [];

  /** Index of a function type. */
  type(params: readonly number[], results: readonly number[]): number {
    const key = `${params.join()}>${results.join()}`;
    let i = this.#signatures.indexOf(key);
    if (i < 0) {
      i = this.#signatures.push(key) - 1;
      this.#types.push([params, results]);
    }
    return i;
  }
  /** Import function env.`name`; all imports come before the first `func`. */
  import(name: string, params: readonly number[], results: readonly number[]): number {
    if (this.#funcs.length > 0) throw new Error('BUG: imports must precede functions');
    return this.#imports.push({ name, type: this.type(params, results) }) - 1;
  }
  /** Declare a function; exported when `name` is given. Returns its index. */
  func(params: readonly number[], results: readonly number[], name?: string): number {
    this.#funcs.push({ type: this.type(params, results), locals: [], code: new Code() });
    const index = this.#imports.length + this.#funcs.length - 1;
    if (name !== undefined) this.#exports.push({ name, func: index });
    return index;
  }
  body(func: number): Func {
    const f = this.#funcs[func - this.#imports.length];
    if (!f) throw new Error(`BUG: no function ${func}`);
    return f;
  }

  /** The module's bytes: imports env.memory (shared) and env.table. */
  build(): Uint8Array<ArrayBuffer> {
    const out = new Code();
    out.append(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    const section = (id: number, write: (c: Code) => void): void => {
      const c = new Code();
      write(c);
      out.byte(id).u(c.n).append(c.bytes.subarray(0, c.n));
    };
    const text = (c: Code, s: string): Code => {
      c.u(s.length);
      for (let i = 0; i < s.length; i++) c.byte(s.charCodeAt(i));
      return c;
    };
    section(1, (c) => {
      c.u(this.#types.length);
      for (const [params, results] of this.#types) {
        c.byte(0x60)
          .u(params.length)
          .op(...params);
        c.u(results.length).op(...results);
      }
    });
    section(2, (c) => {
      c.u(this.#imports.length + 2);
      for (const i of this.#imports) text(text(c, 'env'), i.name).byte(0).u(i.type);
      text(text(c, 'env'), 'memory').byte(2).byte(3).u(1).u(65536);
      text(text(c, 'env'), 'table').byte(1).byte(0x70).byte(0).u(1);
    });
    section(3, (c) => {
      c.u(this.#funcs.length);
      for (const f of this.#funcs) c.u(f.type);
    });
    section(7, (c) => {
      c.u(this.#exports.length);
      for (const e of this.#exports) text(c, e.name).byte(0).u(e.func);
    });
    const bodies = this.#funcs.map((f) => {
      const head = new Code();
      head.u(f.locals.length);
      for (const [count, ty] of f.locals) head.u(count).byte(ty);
      return { head, code: f.code };
    });
    if (this.#funcs.some((f) => f.code.hints.length > 0)) this.#branchHints(section, text, bodies);
    section(10, (c) => {
      c.u(bodies.length);
      for (const { head, code } of bodies) {
        c.u(head.n + code.n + 1);
        c.append(head.bytes.subarray(0, head.n)).append(code.bytes.subarray(0, code.n)).byte(0x0b);
      }
    });
    return out.bytes.slice(0, out.n);
  }

  /** Custom section metadata.code.branch_hint (Branch Hinting proposal); offsets count from the start of the body. */
  #branchHints(
    section: (id: number, write: (c: Code) => void) => void,
    text: (c: Code, s: string) => Code,
    bodies: readonly { head: Code; code: Code }[],
  ): void {
    section(0, (c) => {
      text(c, 'metadata.code.branch_hint');
      const hinted = bodies.map((b, i) => ({ ...b, i })).filter((b) => b.code.hints.length > 0);
      c.u(hinted.length);
      for (const { head, code, i } of hinted) {
        c.u(this.#imports.length + i).u(code.hints.length / 2);
        for (let k = 0; k < code.hints.length; k += 2) {
          c.u((code.hints[k] as number) + head.n)
            .byte(1)
            .byte(code.hints[k + 1] as number);
        }
      }
    });
  }
}
