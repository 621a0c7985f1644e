/** The names that options may use, and the lists that `help` prints of them. */
export interface MachineEntry {
  readonly name: string;
  readonly description: string;
  readonly aliasOf?: string;
  readonly isDefault?: boolean;
}

export interface PropertyEntry {
  readonly name: string;
  readonly type: 'uint8' | 'uint16' | 'uint32' | 'bool' | 'str' | 'chardev';
  readonly description?: string;
  readonly default?: number | boolean | string;
}

export interface DeviceEntry {
  readonly name: string;
  readonly bus?: string;
  readonly description?: string;
  /** Heading of the list it stands under. */
  readonly category: string;
  readonly properties: readonly PropertyEntry[];
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

export function devicePropertiesHelp({ name, properties }: DeviceEntry): string {
  if (properties.length === 0) return `There are no options for ${name}.\n`;
  const lines = properties.map((property) => {
    const type = property.type === 'chardev' ? 'str' : property.type;
    const usage = `  ${property.name}=<${type}>`.padEnd(25);
    const preset = property.default === undefined ? '' : ` (default: ${property.default})`;
    return `${usage}- ${property.description ?? ''}${preset}\n`;
  });
  return `${name} options:\n${lines.join('')}`;
}
