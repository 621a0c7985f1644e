/** A small picture of a machine, for the library. */
import { library } from './library/library-store.ts';
import type { Thumbnail } from './library/records.ts';

/** Twice as large as it is shown, for dense screens. */
const WIDTH = 480;
const TEXT_LINES = 24;
const TEXT_COLUMNS = 100;

/** What shows the machine: a picture, the lines of its serial console, or neither yet. */
export interface MachineLook {
  screenshot?(): Promise<Blob>;
  lines?(): readonly string[];
}

export async function keepThumbnail(machineId: string, look: MachineLook): Promise<void> {
  const thumbnail = await thumbnailOf(look).catch(() => undefined);
  if (thumbnail !== undefined) await library.changeMachine(machineId, { thumbnail });
}

async function thumbnailOf({ screenshot, lines }: MachineLook): Promise<Thumbnail | undefined> {
  if (screenshot) return { kind: 'image', image: await shrunk(await screenshot()) };
  const text = lines?.().slice(-TEXT_LINES) ?? [];
  if (text.every((line) => line === '')) return undefined;
  return { kind: 'text', lines: text.map((line) => line.slice(0, TEXT_COLUMNS)) };
}

async function shrunk(image: Blob): Promise<Blob> {
  const bitmap = await createImageBitmap(image);
  const width = Math.min(WIDTH, bitmap.width);
  const canvas = new OffscreenCanvas(width, Math.max(1, Math.round((bitmap.height * width) / bitmap.width)));
  canvas.getContext('2d')?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return canvas.convertToBlob({ type: 'image/webp', quality: 0.8 });
}
