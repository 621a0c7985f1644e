/**
 * Creative Sound Blaster 16: DSP version 4.05 and CT1745 mixer. Document: Creative, Sound Blaster Series Hardware
 * Programming Guide, 2nd edition, October 1993, chapters 2, 3 and 6.
 * Not modelled: recording (it hears silence), ADPCM, MIDI and FM synthesis, the joystick; volumes other than master and
 * voice are registers only.
 */
import { type AudioOut, silence } from '../../../audio/api.ts';
import { defineDevice } from '../../core/device.ts';
import { hex } from '../../core/log.ts';
import { prop } from '../../core/props.ts';
import { BYTE_WIDE, ioRegion } from '../../core/region.ts';
import { bool, bytes, fifo, i64, ranged, timer, u8, u32, vmstate } from '../../core/state.ts';
import type { DmaChannel } from '../dma/i8237.ts';
import { argumentCount, CMD, COPYRIGHT, isTransfer } from './sb16-commands.ts';
import { Ct1745, MIXER_REGISTERS } from './sb16-mixer.ts';
import { PIECE_NS, startStream, streamClock, timeOfUnits, unitsDone, unitsDue } from './stream-clock.ts';

const PORT = {
  MIXER_ADDRESS: 4,
  MIXER_DATA: 5,
  RESET: 6,
  READ: 0xa,
  WRITE: 0xc,
  READ_STATUS: 0xe,
  ACK_16: 0xf,
} as const;
const READY = 0xaa;
/** Of the write port: the DSP takes commands at once. */
const WRITE_READY = 0x7f;
const DATA_AVAILABLE = 0x80;
/** Bytes that a transfer moves at once. */
const PIECE_BYTES = 4096;
const MIN_RATE = 4000;
const MAX_RATE = 45_454;
const MAX_BLOCK = 0x20000;
/** Chapter 3, DMA mode byte of Bxh and Cxh. */
const MODE = { SIGNED: 0x10, STEREO: 0x20 } as const;

const state = vmstate('sb16', 2, {
  resetting: bool(),
  output: fifo(64),
  lastRead: u8(),
  command: u8(),
  arguments: fifo(4),
  speaker: bool(),
  test: u8(),
  rate: ranged(u32(11_025), 1, MAX_RATE),
  /** Bytes of a block, by 48h or a transfer command. */
  blockBytes: ranged(u32(), 0, MAX_BLOCK),
  // The transfer
  active: bool(),
  paused: bool(),
  is16: bool(),
  isSigned: bool(),
  isStereo: bool(),
  isInput: bool(),
  autoInit: bool(),
  /** The block that goes on is the last one. */
  lastBlock: bool(),
  left: ranged(u32(), 0, MAX_BLOCK),
  stream: streamClock,
  playing: timer(),
  /** 80h: silence, with an interrupt at its end. */
  pausing: timer(),
  interrupts: u8(),
  mixerAddress: u8(),
  mixer: bytes(MIXER_REGISTERS),
  directNs: i64(-1),
  directLevel: u8(0x80),
});

export const sb16 = defineDevice({
  type: 'sb16',
  desc: 'Creative Sound Blaster 16',
  bus: 'ISA',
  props: {
    iobase: prop.u32(0x220),
    irq: prop.u32(5),
    dma: prop.u32(1),
    dma16: prop.u32(5),
    version: prop.u32(0x0405),
    audiodev: prop.string(''),
    audio: prop.code<AudioOut>(silence),
    dmaController: prop.required<{ channel(n: number): DmaChannel }>(),
  },
  irqs: ['line'],
  state,
  isa: ({ iobase, irq }) => ({ ports: { ports: iobase }, irqs: { line: irq } }),
  create(s, { id, irq, dma, dma16, version, audio, dmaController, clock, log, line }) {
    const voice = audio.voice(id);
    const mixer = new Ct1745(s.mixer, { irq, dma, dma16 });
    const channels = { narrow: dmaController.channel(dma), wide: dmaController.channel(dma16) };
    const playing = clock.timer(`${id}.dma`, s.playing, settle);
    const pausing = clock.timer(`${id}.silence`, s.pausing, () => interrupt(1));
    for (const channel of [channels.narrow, channels.wide]) channel.onTransfer(transfer);

    const channel = (): DmaChannel => (s.is16 ? channels.wide : channels.narrow);
    const unitBytes = (): number => (s.is16 ? 2 : 1);
    /** Bytes a second. */
    const byteRate = (): number => s.rate * unitBytes() * (s.isStereo ? 2 : 1);

    function updateLine(): void {
      line.set(s.interrupts !== 0);
    }
    /** Bit 0: 8-bit DMA or SB-MIDI, bit 1: 16-bit DMA. */
    function interrupt(bits: number): void {
      s.interrupts |= bits;
      updateLine();
    }
    const answer = (...values: readonly number[]): void => {
      for (const value of values) s.output.push(value & 0xff);
    };

    // Transfers

    /** The controller has let us move something. */
    let asked = false;
    function startTransfer(is16: boolean, mode: number, isInput: boolean, autoInit: boolean, blockBytes: number): void {
      stopTransfer();
      s.is16 = is16;
      s.isSigned = (mode & MODE.SIGNED) !== 0;
      s.isStereo = (mode & MODE.STEREO) !== 0;
      s.isInput = isInput;
      s.autoInit = autoInit;
      s.lastBlock = false;
      s.blockBytes = blockBytes;
      s.left = blockBytes;
      s.active = blockBytes > 0;
      s.paused = false;
      resume();
    }
    function stopTransfer(): void {
      if (s.active) channel().request(false);
      s.active = false;
      playing.cancel();
    }
    function resume(): void {
      s.paused = false;
      if (!s.active) return;
      startStream(s.stream, clock.now());
      schedule();
    }
    function pause(): void {
      settle();
      s.paused = true;
      playing.cancel();
      if (s.active) channel().request(false);
    }
    function schedule(): void {
      if (!s.active || s.paused) return;
      const now = clock.now();
      playing.set(Math.max(now + 1000, Math.min(timeOfUnits(s.stream, s.left, byteRate()), now + PIECE_NS)));
    }
    /** Lets the DMA controller move what is due by now. */
    function settle(): void {
      for (let before = -1; s.active && !s.paused && before !== s.left; ) {
        before = s.left;
        asked = false;
        channel().request(true);
        channel().request(false);
        if (!asked) startStream(s.stream, clock.now()); // the controller is not set up yet: the stream waits
      }
      schedule();
    }
    /** The controller's turn: from `position` of its block on. */
    function transfer(position: number, length: number): number {
      asked = true;
      if (!s.active || s.paused) return position;
      const unit = unitBytes();
      const due = unitsDue(s.stream, clock.now(), byteRate());
      const count = Math.min(due, s.left, length - position, PIECE_BYTES);
      const moved = count - (count % unit);
      if (moved <= 0) return position;
      const data = new Uint8Array(moved);
      if (s.isInput) {
        if (!s.isSigned && !s.is16) data.fill(0x80);
        channel().writeMemory(position, data);
      } else {
        channel().readMemory(position, data);
        play(data);
      }
      unitsDone(s.stream, moved, byteRate());
      s.left -= moved;
      if (s.left < unit) endBlock();
      return position + moved;
    }
    function endBlock(): void {
      interrupt(s.is16 ? 2 : 1);
      s.left = s.blockBytes;
      if (!s.autoInit || s.lastBlock) s.active = false;
    }
    function play(data: Uint8Array): void {
      const { isStereo, isSigned, is16, rate } = s;
      const [left, right] = mixer.gain;
      const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
      const sample = (i: number): number => {
        if (is16) return isSigned ? view.getInt16(i * 2, true) : view.getUint16(i * 2, true) - 0x8000;
        return (isSigned ? view.getInt8(i) : view.getUint8(i) - 0x80) * 256;
      };
      const count = data.length / unitBytes();
      const frames = isStereo ? count >> 1 : count;
      const samples = new Int16Array(frames * 2);
      for (let i = 0; i < frames; i++) {
        samples[2 * i] = sample(isStereo ? 2 * i : i) * left;
        samples[2 * i + 1] = sample(isStereo ? 2 * i + 1 : i) * right;
      }
      voice.write(samples, rate);
    }
    /** 10h: one sample by the processor; it stays until the next. */
    function direct(level: number): void {
      const now = clock.now();
      const frames = s.directNs < 0 ? 0 : Math.min(MIN_RATE, Math.floor(((now - s.directNs) * MIN_RATE * 10) / 1e9));
      const [left, right] = mixer.gain;
      const held = (s.directLevel - 0x80) * 256;
      const samples = Int16Array.from({ length: frames * 2 }, (_, i) => held * (i & 1 ? right : left));
      voice.write(samples, MIN_RATE * 10);
      s.directNs = now;
      s.directLevel = level;
    }

    // Commands

    function run(): void {
      const { command } = s;
      const all = Array.from({ length: s.arguments.length }, () => s.arguments.shift());
      const [a = 0, b = 0, c = 0] = all;
      s.command = 0;
      if (isTransfer(command)) {
        const is16 = command < 0xc0;
        const size = ((c << 8) | b) + 1;
        startTransfer(is16, a, (command & 8) !== 0, (command & 4) !== 0, is16 ? size * 2 : size);
        return;
      }
      const stereo = mixer.isStereo ? MODE.STEREO : 0;
      switch (command) {
        case CMD.DIRECT_OUTPUT:
          direct(a);
          break;
        case CMD.OUTPUT_8:
          startTransfer(false, stereo, false, false, ((b << 8) | a) + 1);
          break;
        case CMD.OUTPUT_8_AUTO:
        case CMD.HIGH_SPEED_AUTO:
          startTransfer(false, stereo, false, true, s.blockBytes);
          break;
        case CMD.HIGH_SPEED:
          startTransfer(false, stereo, false, false, s.blockBytes);
          break;
        case CMD.DIRECT_INPUT:
          answer(0x80);
          break;
        case CMD.INPUT_8:
          startTransfer(false, stereo, true, false, ((b << 8) | a) + 1);
          break;
        case CMD.INPUT_8_AUTO:
        case CMD.HIGH_SPEED_INPUT_AUTO:
          startTransfer(false, stereo, true, true, s.blockBytes);
          break;
        case CMD.TIME_CONSTANT:
          setRate(Math.floor(1_000_000 / (256 - a) / (mixer.isStereo ? 2 : 1)));
          break;
        case CMD.OUTPUT_RATE:
        case CMD.INPUT_RATE:
          setRate((a << 8) | b);
          break;
        case CMD.BLOCK_SIZE:
          s.blockBytes = ((b << 8) | a) + 1;
          break;
        case CMD.SILENCE:
          pausing.set(clock.now() + Math.ceil(((((b << 8) | a) + 1) * 1e9) / s.rate));
          break;
        case CMD.PAUSE_8:
        case CMD.PAUSE_16:
          pause();
          break;
        case CMD.CONTINUE_8:
        case CMD.CONTINUE_16:
          resume();
          break;
        case CMD.SPEAKER_ON:
        case CMD.SPEAKER_OFF:
          s.speaker = command === CMD.SPEAKER_ON;
          break;
        case CMD.SPEAKER_STATUS:
          answer(s.speaker ? 0xff : 0);
          break;
        case CMD.EXIT_16_AUTO:
        case CMD.EXIT_8_AUTO:
          s.lastBlock = true;
          break;
        case CMD.IDENTIFY:
          answer(~a);
          break;
        case CMD.VERSION:
          answer(version >> 8, version);
          break;
        case CMD.COPYRIGHT:
          answer(...COPYRIGHT);
          break;
        case CMD.WRITE_TEST:
          s.test = a;
          break;
        case CMD.READ_TEST:
          answer(s.test);
          break;
        case CMD.INTERRUPT_8:
          answer(READY);
          interrupt(1);
          break;
        case CMD.INTERRUPT_16:
          interrupt(2);
          break;
        default:
          log('unimp', `${id}: DSP command ${hex(command, 2)}`);
      }
    }
    function setRate(rate: number): void {
      settle();
      s.rate = Math.max(MIN_RATE, Math.min(MAX_RATE, rate));
      if (s.active) startStream(s.stream, clock.now());
    }
    function writeDsp(value: number): void {
      if (s.command === 0) {
        s.command = value;
        s.arguments.clear();
      } else {
        s.arguments.push(value);
      }
      if (s.arguments.length >= argumentCount(s.command)) run();
    }
    function resetDsp(): void {
      stopTransfer();
      pausing.cancel();
      s.output.clear();
      s.arguments.clear();
      s.command = 0;
      s.speaker = false;
      s.interrupts = 0;
      s.blockBytes = 0;
      s.directNs = -1;
      updateLine();
    }

    const ports = ioRegion(
      'sb16',
      0x10,
      {
        read(offset) {
          settle();
          switch (offset) {
            case PORT.MIXER_DATA:
              return mixer.read(s.mixerAddress, s.interrupts);
            case PORT.READ:
              if (!s.output.empty) s.lastRead = s.output.shift();
              return s.lastRead;
            case PORT.WRITE:
              return WRITE_READY;
            case PORT.READ_STATUS:
              s.interrupts &= ~1;
              updateLine();
              return (s.output.empty ? 0 : DATA_AVAILABLE) | 0x7f;
            case PORT.ACK_16:
              s.interrupts &= ~2;
              updateLine();
              return 0xff;
            default:
              return 0xff;
          }
        },
        write(offset, value) {
          settle();
          switch (offset) {
            case PORT.MIXER_ADDRESS:
              s.mixerAddress = value;
              break;
            case PORT.MIXER_DATA:
              mixer.write(s.mixerAddress, value);
              break;
            case PORT.RESET:
              if (s.resetting && !(value & 1)) {
                resetDsp();
                answer(READY);
              }
              s.resetting = (value & 1) !== 0;
              break;
            case PORT.WRITE:
              writeDsp(value);
              break;
          }
        },
      },
      BYTE_WIDE,
    );
    return { regions: { ports }, reset: () => mixer.reset(), sync: updateLine };
  },
});
