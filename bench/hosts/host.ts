/** An emulator somewhere, as the bench drives it. */
import type { RunRecord } from '../recorder.ts';
import type { GuestImage } from '../workloads.ts';

export const HOST_NAMES = ['qemu', 'lockstep-chromium', 'v86-chromium', 'lockstep-node', 'v86-node'] as const;
export type HostName = (typeof HOST_NAMES)[number];

export interface Host {
  readonly name: HostName;
  /** Runs a guest from power-on to its end, or to a failure that the record tells. Leaves no process behind. */
  run(image: GuestImage, timeoutMs: number): Promise<RunRecord>;
}
