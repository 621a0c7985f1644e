import { describe, expect, test } from 'vitest';
import { disassembleModule } from './disassemble.ts';
import { ModuleBuilder } from './module.ts';
import { I32, I64, VOID, W } from './opcodes.ts';

describe('a module as text', () => {
  const m = new ModuleBuilder();
  const imported = m.import('slow', [I32], []);
  const inner = m.func([I32], [I32]);
  m.body(inner).code.get(0);
  const f = m.func([I32], [I64], 'region');
  const body = m.body(f);
  body.locals = [[2, I64]];
  const c = body.code;
  const loop = c.loop();
  c.get(0).if(VOID, 1);
  c.i32(-70000).call(imported).br(loop);
  c.else();
  c.get(0).call(inner).brTable([loop], loop);
  c.end().end();
  c.load32(0x408).op(W.i64ExtendI32U);
  c.i64(-1, 0x7fff_ffff).op(W.i64Add);

  test('has names, immediates and structure', () => {
    const text = disassembleModule(m.build(), { address: (at) => (at === 0x408 ? 'ecx' : undefined) });
    expect(text).toBe(`func $1 (param i32) (result i32)
  local.get 0
func region export (param i32) (result i64)
  (local 2 i64)
  loop
    local.get 0
    if
      i32.const -70000
      call slow
      br 1
    else
      local.get 0
      call $1
      br_table 1 1
    end
  end
  i32.const 0
  i32.load offset=0x408 ;; ecx
  i64.extend_i32_u
  i64.const 9223372036854775807
  i64.add
`);
  });

  test('says so where an opcode is not ours', () => {
    const odd = new ModuleBuilder();
    odd.body(odd.func([], [])).code.byte(0xfe);
    expect(disassembleModule(odd.build())).toContain(';; unknown opcode: fe 0b');
  });
});
