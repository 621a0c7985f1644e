/** Descriptors as bytes. Documents: USB 2.0, §9.6; Device Class Definition for HID 1.11, §6.2.1. */

export const DESCRIPTOR = {
  DEVICE: 1,
  CONFIGURATION: 2,
  STRING: 3,
  INTERFACE: 4,
  ENDPOINT: 5,
  HID: 0x21,
  REPORT: 0x22,
  HUB: 0x29,
} as const;

/** §9.6.3, bmAttributes of a configuration. */
export const ATTRIBUTES = { ALWAYS: 0x80, SELF_POWERED: 0x40, REMOTE_WAKEUP: 0x20 } as const;

export interface EndpointInfo {
  /** Bit 7: IN. */
  readonly address: number;
  readonly attributes: number;
  readonly maxPacket: number;
  readonly interval: number;
}

export interface InterfaceInfo {
  readonly class: number;
  readonly subClass: number;
  readonly protocol: number;
  /** Class descriptors that come before the endpoints. */
  readonly extra?: readonly number[];
  readonly endpoints: readonly EndpointInfo[];
}

export interface UsbInfo {
  readonly vendor: number;
  readonly product: number;
  readonly release: number;
  readonly usbRelease: number;
  readonly deviceClass?: number;
  readonly maxPacket0: number;
  readonly attributes: number;
  /** In units of 2 mA. */
  readonly maxPower: number;
  readonly interface: InterfaceInfo;
  /** By their indices, from 1 on. */
  readonly strings: Readonly<Record<number, string>>;
  /** Which of them says what; 0: none. */
  readonly stringOf: {
    readonly manufacturer: number;
    readonly product: number;
    readonly serial: number;
    readonly configuration: number;
  };
}

const word = (value: number): readonly number[] => [value & 0xff, value >> 8];

/** English (United States), the only language. */
const LANGUAGE = 0x0409;

export function deviceDescriptor({
  vendor,
  product,
  release,
  usbRelease,
  deviceClass = 0,
  maxPacket0,
  stringOf,
}: UsbInfo): number[] {
  return [
    ...[18, DESCRIPTOR.DEVICE, ...word(usbRelease), deviceClass, 0, 0, maxPacket0],
    ...[...word(vendor), ...word(product), ...word(release)],
    ...[stringOf.manufacturer, stringOf.product, stringOf.serial, 1],
  ];
}

export function configurationDescriptor({ attributes, maxPower, interface: one, stringOf }: UsbInfo): number[] {
  const endpoints = one.endpoints.flatMap(({ address, attributes: kind, maxPacket, interval }) => [
    ...[7, DESCRIPTOR.ENDPOINT, address, kind, ...word(maxPacket), interval],
  ]);
  const body = [
    ...[9, DESCRIPTOR.INTERFACE, 0, 0, one.endpoints.length, one.class, one.subClass, one.protocol, 0],
    ...(one.extra ?? []),
    ...endpoints,
  ];
  return [
    9,
    DESCRIPTOR.CONFIGURATION,
    ...word(9 + body.length),
    1,
    1,
    stringOf.configuration,
    attributes,
    maxPower,
    ...body,
  ];
}

/** Undefined: there is no such string. */
export function stringDescriptor({ strings }: UsbInfo, index: number): number[] | undefined {
  if (index === 0) return [4, DESCRIPTOR.STRING, ...word(LANGUAGE)];
  const text = strings[index];
  if (text === undefined) return undefined;
  const units = [...text].slice(0, 126).flatMap((character) => word(character.charCodeAt(0)));
  return [2 + units.length, DESCRIPTOR.STRING, ...units];
}
