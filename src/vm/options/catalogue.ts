/** The names that options may use, and the lists that `help` prints of them. */
export interface MachineEntry {
  readonly name: string;
  readonly description: string;
  readonly aliasOf?: string;
  readonly isDefault?: boolean;
  /** It has a floppy controller; its IDE buses have so many units. Defaults: yes, 2. */
  readonly hasFloppies?: boolean;
  readonly ideUnits?: number;
}

export interface DeviceEntry {
  readonly name: string;
  readonly bus?: string;
  readonly description?: string;
  /** Heading of the list it stands under. */
  readonly category: string;
  /** What `-device name,help` prints. */
  readonly help: string;
  /** Refuses unknown properties and wrong values; the machine parses them again, with its objects at hand. */
  check(properties: Readonly<Record<string, string>>): void;
}

export interface Catalogue {
  /** `i386` of `qemu-system-i386`. */
  readonly target: string;
  readonly version: string;
  readonly machines: readonly MachineEntry[];
  readonly cpus: readonly { readonly name: string; readonly description: string }[];
  readonly devices: readonly DeviceEntry[];
}

export function machineHelp({ machines }: Catalogue): string {
  const lines = [...machines]
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, description, aliasOf, isDefault }) => {
      const note = aliasOf !== undefined ? ` (alias of ${aliasOf})` : isDefault ? ' (default)' : '';
      return `${name.padEnd(20)} ${description}${note}\n`;
    });
  return `Supported machines are:\n${lines.join('')}`;
}

export function cpuHelp({ cpus }: Catalogue): string {
  const lines = cpus.map(({ name, description }) => `x86 ${name.padEnd(20)}  ${description}`.trimEnd());
  return `Available CPUs:\n${lines.map((line) => `${line}\n`).join('')}`;
}

export function deviceListHelp({ devices }: Catalogue): string {
  const groups = new Map<string, DeviceEntry[]>();
  for (const device of devices) groups.set(device.category, [...(groups.get(device.category) ?? []), device]);
  return [...groups]
    .map(([category, group]) => {
      const lines = group.map(({ name, bus, description }) => {
        const place = bus === undefined ? '' : `, bus ${bus}`;
        return `name "${name}"${place}${description === undefined ? '' : `, desc "${description}"`}\n`;
      });
      return `${category} devices:\n${lines.join('')}`;
    })
    .join('\n');
}
