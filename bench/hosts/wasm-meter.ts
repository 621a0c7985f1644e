/** Counts the bytes of wasm that are compiled from here on, by whoever does it. */

export function meterWasm(): () => number {
  let total = 0;
  const count = (source: unknown): void => {
    if (ArrayBuffer.isView(source) || source instanceof ArrayBuffer) total += source.byteLength;
  };
  const counting = {
    apply(target: (...args: unknown[]) => unknown, self: unknown, args: unknown[]): unknown {
      count(args[0]);
      return Reflect.apply(target, self, args);
    },
  };
  WebAssembly.Module = new Proxy(WebAssembly.Module, {
    construct(target, args, newTarget): object {
      count(args[0]);
      return Reflect.construct(target, args, newTarget);
    },
  });
  WebAssembly.compile = new Proxy(WebAssembly.compile, counting as never);
  WebAssembly.instantiate = new Proxy(WebAssembly.instantiate, counting as never);
  return () => total;
}
