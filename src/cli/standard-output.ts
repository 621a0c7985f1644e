/** Standard output, gathered over one turn of the event loop: a guest writes a byte at a time. */
import { writeSync } from 'node:fs';

const STDOUT = 1;
const RETRY_MS = 1;

export class StandardOutput {
  private parts: Uint8Array[] = [];
  private scheduled = false;
  private closed = false;

  write(data: Uint8Array | string): void {
    this.parts.push(typeof data === 'string' ? Buffer.from(data) : data);
    if (this.scheduled) return;
    this.scheduled = true;
    setImmediate(() => this.flush());
  }

  /** Writes all that is gathered, now. */
  flush(): void {
    this.scheduled = false;
    const data = Buffer.concat(this.parts);
    this.parts = [];
    for (let at = 0; at < data.length && !this.closed; ) {
      try {
        at += writeSync(STDOUT, data, at);
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? error.code : undefined;
        // A full pipe or terminal: its reader is slower than the guest, who has to wait.
        if (code === 'EAGAIN') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, RETRY_MS);
        // Nobody reads any more; the machine runs on, as with QEMU.
        else if (code === 'EPIPE') this.closed = true;
        else throw error;
      }
    }
  }
}
