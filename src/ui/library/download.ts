/** Hands a stream to the person as a download, by way of a file of our own: it need not fit into memory. */

const FOLDER = 'downloads';

/** The link is only followed once the click is over; a download that was begun keeps its file open. */
const KEEP_MS = 60_000;

export async function download(
  name: string,
  source: ReadableStream<Uint8Array<ArrayBuffer>>,
  { signal, onBytes }: { readonly signal: AbortSignal; onBytes(done: number): void },
): Promise<void> {
  const root = await navigator.storage.getDirectory();
  const folder = await root.getDirectoryHandle(FOLDER, { create: true });
  const id = crypto.randomUUID();
  const remove = (): Promise<void> => folder.removeEntry(id).catch(() => {});
  const handle = await folder.getFileHandle(id, { create: true });
  let done = 0;
  const counted = new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
    transform(chunk, controller) {
      controller.enqueue(chunk);
      done += chunk.length;
      onBytes(done);
    },
  });
  try {
    await source.pipeThrough(counted).pipeTo(await handle.createWritable(), { signal });
  } catch (error) {
    await remove();
    throw error;
  }
  const url = URL.createObjectURL(await handle.getFile());
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => {
    URL.revokeObjectURL(url);
    void remove();
  }, KEEP_MS);
}

/** What a page that was closed too early left behind. */
export async function clearDownloads(): Promise<void> {
  try {
    const root = await navigator.storage.getDirectory();
    await root.removeEntry(FOLDER, { recursive: true });
  } catch {
    // there was nothing, or another tab is at it
  }
}
