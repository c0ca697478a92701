/**
 * What a container may take of its node. Null or absent is no limit. Where the node's kernel cannot hold one, hard limits
 * are refused with `unsupported`; `memoryHighBytes` and weights, which only share what there is, hold as far as they
 * can and are reported as clamped.
 */
export interface Limits {
  /** Above it the kernel kills. */
  readonly memoryBytes: number | null;
  /** Thousandths of a CPU. */
  readonly cpuMillis: number | null;
  /** Processes and threads. */
  readonly pids: number | null;
  /** Above it memory is taken back and the container slowed down. On v1 only when the node runs short, which is reported as clamped. */
  readonly memoryHighBytes?: number | null;
  /** Swap beyond `memoryBytes`, without which it means nothing. Null: none at all for a container with a memory limit. `UNLIMITED_SWAP`: all there is. */
  readonly swapBytes?: number | null;
  /** Share of the CPU when it is short, 2 to 262144; the kernel gives 1024 unless told otherwise. */
  readonly cpuShares?: number | null;
  /** CPUs it may run on, as `0-3,6` (cpuset(7), list format). */
  readonly cpus?: string | null;
  /** Memory nodes it may allocate from, in the same form. */
  readonly mems?: string | null;
  /** Share of the disks when they are busy, 10 to 1000. */
  readonly ioWeight?: number | null;
  /** Each device once. */
  readonly ioDevices?: readonly IoDeviceLimits[];
  /** Bytes of huge pages by their size, as `2MB` or `1GB`. */
  readonly hugepages?: Readonly<Record<string, number>>;
}

/** What a container may do with one block device, which is a whole disk. */
export interface IoDeviceLimits {
  /** `8:0`, or the path of its node, such as `/dev/sda`. */
  readonly device: string;
  readonly readBytesPerSecond?: number | null;
  readonly writeBytesPerSecond?: number | null;
  readonly readsPerSecond?: number | null;
  readonly writesPerSecond?: number | null;
  /** As `ioWeight`, for this device. */
  readonly weight?: number | null;
}

/** A limit of swap that is none. */
export const UNLIMITED_SWAP: number = 2 ** 53 - 1;

/** The limits of a group that has none. */
export const NO_LIMITS: Limits = { memoryBytes: null, cpuMillis: null, pids: null };
