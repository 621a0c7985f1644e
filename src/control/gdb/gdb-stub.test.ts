import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createFakeVm } from '../vm-control.fixture.ts';
import { GdbStub } from './gdb-stub.ts';
import { framePacket, MAX_PACKET } from './packets.ts';
import { GDB_I386 } from './registers.ts';

function rig() {
  const vm = createFakeVm();
  let sent = '';
  const stub = new GdbStub(vm, GDB_I386, (text) => void (sent += text));
  const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0));
  return {
    vm,
    stub,
    raw: (text: string) => stub.receive(bytes(text)),
    take(): string {
      const text = sent;
      sent = '';
      return text;
    },
    /** The data of the reply to a packet. */
    async ask(data: string): Promise<string> {
      sent = '';
      stub.receive(bytes(framePacket(data)));
      await new Promise((resolve) => setImmediate(resolve));
      return /^\+(?:\$(.*)#..)?$/s.exec(sent)?.[1] ?? `no reply: ${sent}`;
    },
  };
}

describe('the GDB stub', () => {
  it('describes the processor, and gives its registers in that order', async () => {
    const { ask } = rig();
    expect(await ask('qSupported:multiprocess+')).toMatch(/PacketSize=4000;qXfer:features:read\+/);
    const xml = await ask('qXfer:features:read:target.xml:0,3fff');
    expect(xml).toMatch(/^l<\?xml.*<architecture>i386<\/architecture>.*name="eip" bitsize="32" type="code_ptr"/s);
    expect(await ask('p8')).toBe('f0ff0000');
    expect((await ask('g')).slice(64, 72)).toBe('f0ff0000');
    expect((await ask('g')).length).toBe(2 * (16 * 4 + 8 * 10 + 8 * 4));
    expect(await ask('p99')).toBe('E22');
  });

  it('hands a document out in parts', async () => {
    const { ask } = rig();
    const first = await ask('qXfer:features:read:target.xml:0,10');
    expect(first).toBe('m<?xml version="1');
    expect(await ask('qXfer:features:read:target.xml:10,10')).toMatch(/^m\.0"\?>/);
    expect(await ask('qXfer:features:read:target.xml:ffff,10')).toBe('l');
  });

  it('reads and writes memory and registers', async () => {
    const { ask, vm } = rig();
    expect(await ask('mffff0,3')).toBe('ea5be0');
    expect(await ask('mffffffff0,4')).toBe('E14');
    expect(await ask('M1000,2:abcd')).toBe('OK');
    expect(await ask('M1000,3:abcd')).toBe('E22');
    expect(vm.log.at(-1)).toBe('write 1000 171,205');
    expect(await ask('P0=78563412')).toBe('OK');
    expect(vm.cpus[0]?.register('eax')).toBe(0x12345678n);
  });

  it('sets breakpoints and as many watchpoints as there are', async () => {
    const { ask, vm } = rig();
    expect(await ask('Z0,1000,1')).toBe('OK');
    expect(await ask('Z1,2000,1')).toBe('OK');
    expect(vm.log.at(-1)).toBe('breakpoints 1000,2000');
    expect(await ask('z0,1000,1')).toBe('OK');
    expect(vm.log.at(-1)).toBe('breakpoints 2000');
    expect([await ask('Z2,10,4'), await ask('Z4,20,4'), await ask('Z3,30,4')]).toEqual(['OK', 'OK', 'E28']);
    expect(vm.log.at(-1)).toBe('watchpoints write 10,access 20');
  });

  it('answers a step or a continue when the machine stops, with the reason', async () => {
    const { ask, vm, take, raw } = rig();
    expect(await ask('s')).toBe('T05thread:01;');
    expect(await ask('c')).toMatch(/^no reply/);
    vm.stopped({ kind: 'watchpoint', watchpoint: { address: 0x1234n, length: 4, kind: 'write' } });
    expect(take()).toContain('$T05thread:01;watch:1234;#');
    await ask('vCont;c');
    raw('\x03');
    vm.stopped({ kind: 'pause' });
    expect(take()).toContain('$T02thread:01;#');
    await ask('c');
    vm.stopped({ kind: 'exit' });
    expect(take()).toContain('$W00#');
  });

  it('runs monitor commands', async () => {
    const { stub, take } = rig();
    const hex = Buffer.from('info registers').toString('hex');
    stub.receive(Buffer.from(framePacket(`qRcmd,${hex}`), 'latin1'));
    await new Promise((resolve) => setTimeout(resolve, 5));
    const text = /\$O([0-9a-f]*)#/.exec(take())?.[1] ?? '';
    expect(Buffer.from(text, 'hex').toString()).toContain('EAX=');
  });

  it('asks again for a damaged packet, and says nothing to what it does not know', async () => {
    const { raw, take, ask } = rig();
    raw('$g#00');
    expect(take()).toBe('-');
    raw(`$${'m'.repeat(MAX_PACKET + 10)}#00`);
    expect(take()).toBe('-');
    expect(await ask('vMustReplyEmpty')).toBe('');
    expect(await ask('!')).toBe('');
  });

  it('bears any bytes', async () => {
    const { stub, take } = rig();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        stub.receive(bytes);
      }),
      { numRuns: 2000 },
    );
    const words = [
      'Z',
      'z0,',
      'm',
      'M',
      'X',
      'P',
      'G',
      'p',
      'qXfer:features:read:target.xml:',
      'vCont;',
      'qRcmd,',
      'H',
      'bs',
    ];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...words), fc.string({ maxLength: 20 }), async (word, rest) => {
        take();
        stub.receive(Buffer.from(framePacket(word + rest.replace(/[^\x20-\x7e]/g, '?')), 'latin1'));
        await new Promise((resolve) => setImmediate(resolve));
        expect(take()).toContain('+');
      }),
      { numRuns: 1000 },
    );
  });
});
