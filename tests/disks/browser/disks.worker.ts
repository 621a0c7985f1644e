/** Opens, reads and writes disks of the browser as its page asks. */
import type { BlockNode } from '../../../src/block/api.ts';
import type { ImageSource } from '../../../src/vm/api.ts';
import { deleteDisk, listDisks } from '../../../src/vm/disks.ts';
import { openSource } from '../../../src/vm/image-sources.ts';

export type Call =
  | { readonly do: 'open'; readonly as: string; readonly source: ImageSource; readonly readonly?: boolean }
  | {
      readonly do: 'write';
      readonly to: string;
      readonly offset: number;
      readonly length: number;
      readonly byte: number;
    }
  /** The distinct bytes there, in their order. */
  | { readonly do: 'read'; readonly from: string; readonly offset: number; readonly length: number }
  /** Bytes that do not compress; whether they are there. */
  | { readonly do: 'noise' | 'isNoise'; readonly on: string; readonly offset: number; readonly length: number }
  | { readonly do: 'flush' | 'close'; readonly what: string }
  | { readonly do: 'list' }
  | { readonly do: 'delete'; readonly name: string };

const nodes = new Map<string, BlockNode>();
const nodeOf = (name: string): BlockNode => {
  const node = nodes.get(name);
  if (node === undefined) throw new Error(`no disk '${name}'`);
  return node;
};

function noise(seed: number, length: number): Uint8Array {
  const words = new Uint32Array(length / 4);
  let x = seed + 1;
  for (let i = 0; i < words.length; i++) {
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    words[i] = x;
  }
  return new Uint8Array(words.buffer);
}

async function perform(call: Call): Promise<unknown> {
  switch (call.do) {
    case 'open': {
      const node = await openSource(call.source, call.as, call.readonly ?? false);
      if (node !== undefined) nodes.set(call.as, node);
      return node?.sizeBytes;
    }
    case 'write':
      return nodeOf(call.to).write(call.offset, new Uint8Array(call.length).fill(call.byte));
    case 'read': {
      const bytes = new Uint8Array(call.length);
      await nodeOf(call.from).read(call.offset, bytes);
      return [...bytes].filter((byte, i) => byte !== bytes[i - 1]);
    }
    case 'noise':
      return nodeOf(call.on).write(call.offset, noise(call.offset, call.length));
    case 'isNoise': {
      const bytes = new Uint8Array(call.length);
      await nodeOf(call.on).read(call.offset, bytes);
      return noise(call.offset, call.length).every((byte, i) => byte === bytes[i]);
    }
    case 'flush':
      return nodeOf(call.what).flush();
    case 'close':
      await nodeOf(call.what).close();
      return void nodes.delete(call.what);
    case 'list':
      return listDisks();
    case 'delete':
      return deleteDisk(call.name);
  }
}

globalThis.onmessage = async ({ data, ports }: MessageEvent<Call>) => {
  try {
    ports[0]?.postMessage({ value: await perform(data) });
  } catch (error) {
    const { message, code } = error as Error & { code?: string };
    ports[0]?.postMessage({ error: code === undefined ? message : `${code}: ${message}` });
  }
};
