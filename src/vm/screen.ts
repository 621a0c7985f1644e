/** The screen of a machine for those outside of it: the shared description, and pictures and text on demand. */
import type { PictureFormat } from '../control/vm-control.ts';
import { type Display, publishScanout, SCANOUT, SCANOUT_BYTES, type Scanout } from '../display/api.ts';
import { type Picture, pngOf, ppmOf } from '../display/image-files.ts';
import { Renderer } from '../display/renderer.ts';
import type { DisplayMode } from './api.ts';

export class Screen {
  /** The machine's memory, with video memory in it, and the description: both shared. */
  readonly memory: Uint8Array;
  readonly words = new Int32Array(new SharedArrayBuffer(SCANOUT_BYTES));
  private readonly display: Display;
  private readonly renderer: Renderer;
  private mode: DisplayMode | undefined;

  constructor(display: Display, memory: Uint8Array) {
    this.display = display;
    this.memory = memory;
    this.renderer = new Renderer(memory, this.words);
  }

  /** Publishes what the registers show now. The mode, if it is another than the last time. */
  refresh(): DisplayMode | undefined {
    const scanout = this.display.describe();
    publishScanout(this.words, scanout);
    const mode = modeOf(scanout);
    const isSame =
      mode.width === this.mode?.width && mode.height === this.mode.height && mode.isText === this.mode.isText;
    if (isSame) return undefined;
    this.mode = mode;
    return mode;
  }

  /** Undefined in a graphics mode. */
  text(): string | undefined {
    this.refresh();
    return this.renderer.text();
  }

  picture(): Picture {
    this.refresh();
    const frame = this.renderer.draw();
    if (frame === undefined) throw new Error('BUG: no picture of a published screen');
    return frame;
  }

  async pictureFile(format: PictureFormat): Promise<Uint8Array> {
    const picture = this.picture();
    return format === 'png' ? pngOf(picture) : ppmOf(picture);
  }
}

const modeOf = ({ width, height, kind }: Scanout): DisplayMode => ({ width, height, isText: kind === SCANOUT.TEXT });
