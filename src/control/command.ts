/** A command is a schema with a handler: introspection, the monitor and (later) QMP derive from the declaration. */
import { VmError } from '../util/errors.ts';
import type { Schema } from './schema.ts';
import type { VmControl } from './vm-control.ts';

export interface Command<A, R> {
  /** QMP's name. */
  readonly name: string;
  readonly doc: string;
  readonly args: Schema<A>;
  readonly returns: Schema<R>;
  run(args: A, vm: VmControl): R | Promise<R>;
}

export const command = <A, R>(declaration: Command<A, R>): Command<A, R> => declaration;

/** A command whose types are erased, as tables hold it. */
export interface AnyCommand {
  readonly name: string;
  readonly doc: string;
  readonly args: Schema<unknown>;
  readonly returns: Schema<unknown>;
  execute(args: unknown, vm: VmControl): Promise<unknown>;
}

export const anyCommand = <A, R>({ name, doc, args, returns, run }: Command<A, R>): AnyCommand => ({
  name,
  doc,
  args,
  returns,
  execute: async (given, vm) => run(args.parse(given, ''), vm),
});

/** Runs a command with arguments from outside. */
export async function execute(
  commands: readonly AnyCommand[],
  name: string,
  args: unknown,
  vm: VmControl,
): Promise<unknown> {
  const found = commands.find((entry) => entry.name === name);
  if (found === undefined) throw new VmError(`The command ${name} has not been found`, { class: 'CommandNotFound' });
  return found.execute(args, vm);
}
