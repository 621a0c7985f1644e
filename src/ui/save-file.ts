/** The link is only followed once the click is over. */
const KEEP_MS = 60_000;

/** Hands a small file to the person as a download. */
export function saveFile(name: string, contents: Blob): void {
  const url = URL.createObjectURL(contents);
  const link = document.createElement('a');
  link.href = url;
  link.download = name.split('/').at(-1) || name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), KEEP_MS);
}
