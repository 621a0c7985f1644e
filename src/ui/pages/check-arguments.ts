/** The parser that the machine itself is started with, asked beforehand. */
import { catalogueI386, defaultFirmware, firmwareOptionRoms } from '../../vm/catalogue-i386.ts';
import { parseCommandLine } from '../../vm/options/parse.ts';
import { type Trouble, troubleOf } from '../trouble.ts';

const aliased = new Set(catalogueI386.machines.map(({ aliasOf }) => aliasOf));

/** Machines and processors to choose from; of a machine with an alias, that: it is the shorter name. */
export const catalogue = {
  machines: catalogueI386.machines.filter(({ name }) => !aliased.has(name)),
  cpus: catalogueI386.cpus,
};

/** What is wrong with a command line; undefined if a machine can be built from it. */
export function problemOf(args: readonly string[]): Trouble | undefined {
  try {
    const parsed = parseCommandLine(args, catalogueI386);
    if (parsed.kind === 'machine') return undefined;
    return { message: 'These arguments ask for a text, not for a machine.', hint: undefined };
  } catch (error) {
    return troubleOf(error);
  }
}

/** The server's files that the machine of these arguments needs, none of which they name. */
export function firmwareFor(args: readonly string[]): readonly string[] {
  const parsed = parseCommandLine(args, catalogueI386);
  if (parsed.kind !== 'machine') return [];
  const firmware = defaultFirmware(parsed.options);
  return [...(firmware === undefined ? [] : [firmware]), ...firmwareOptionRoms(parsed.options)];
}
