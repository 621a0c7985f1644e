/**
 * Packets of GDB's remote serial protocol: `$data#checksum`, acknowledged by `+` or refused by `-`; a lone 03H asks for a
 * stop. Data are bytes; here they are text of one character a byte.
 */
const ESCAPE = 0x7d; // '}': the next byte is XORed with 20H
const START = 0x24; // '$'
const END = 0x23; // '#'
const ACK = 0x2b; // '+'
const NAK = 0x2d; // '-'
const INTERRUPT = 0x03;
/** What we take at once; GDB is told so. Longer packets are refused. */
export const MAX_PACKET = 16384;

export interface PacketEvents {
  packet(data: string): void;
  /** GDB's user wants the machine to stop. */
  interrupt(): void;
  /** Our last packet came damaged. */
  resend(): void;
}

type Phase = 'between' | 'data' | 'check1' | 'check2';

/** Takes bytes as they come, in pieces of any size. */
export class PacketReader {
  private phase: Phase = 'between';
  private data: number[] = [];
  private sum = 0;
  private check = 0;
  private readonly events: PacketEvents;
  private readonly send: (text: string) => void;
  /** Off after QStartNoAckMode: neither side acknowledges. */
  acknowledges = true;

  constructor(events: PacketEvents, send: (text: string) => void) {
    this.events = events;
    this.send = send;
  }

  receive(bytes: Uint8Array): void {
    for (const byte of bytes) this.take(byte);
  }

  private take(byte: number): void {
    switch (this.phase) {
      case 'between':
        if (byte === START) this.begin();
        else if (byte === INTERRUPT) this.events.interrupt();
        else if (byte === NAK) this.events.resend();
        else if (byte !== ACK) return; // noise on the line
        break;
      case 'data':
        if (byte === START)
          this.begin(); // the rest of the packet before was lost
        else if (byte === END) this.phase = 'check1';
        else {
          this.sum = (this.sum + byte) & 0xff;
          if (this.data.length <= MAX_PACKET) this.data.push(byte);
        }
        break;
      case 'check1':
        this.check = hexDigit(byte) << 4;
        this.phase = 'check2';
        break;
      case 'check2':
        this.phase = 'between';
        this.end(this.check | hexDigit(byte));
        break;
    }
  }

  private begin(): void {
    this.phase = 'data';
    this.data = [];
    this.sum = 0;
  }

  private end(check: number): void {
    if (this.acknowledges && (check !== this.sum || this.data.length > MAX_PACKET)) {
      this.send('-');
      return;
    }
    if (this.acknowledges) this.send('+');
    this.events.packet(unescaped(this.data));
  }
}

/** Not a digit: no checksum is that large. */
function hexDigit(byte: number): number {
  const value = Number.parseInt(String.fromCharCode(byte), 16);
  return Number.isNaN(value) ? 0x100 : value;
}

function unescaped(bytes: readonly number[]): string {
  let text = '';
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i] as number;
    text += String.fromCharCode(byte === ESCAPE ? (bytes[++i] ?? 0) ^ 0x20 : byte);
  }
  return text;
}

/** `data` as a packet. */
export function framePacket(data: string): string {
  const body = data.replace(/[#$}*]/g, (special) => `}${String.fromCharCode(special.charCodeAt(0) ^ 0x20)}`);
  let sum = 0;
  for (let i = 0; i < body.length; i++) sum = (sum + body.charCodeAt(i)) & 0xff;
  return `$${body}#${sum.toString(16).padStart(2, '0')}`;
}

/** Bytes as pairs of hexadecimal digits. */
export const toHex = (bytes: Iterable<number>): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** Undefined if that is not an even number of hexadecimal digits. */
export function fromHex(text: string): Uint8Array | undefined {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/i.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}
