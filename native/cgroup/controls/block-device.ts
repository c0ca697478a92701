import { readdirSync, readFileSync, statSync } from 'node:fs';
import { cannotHold } from './control.ts';

/** @returns a block device's numbers as `8:0`, given so or as the path of its node. @throws BackendError `unsupported`. */
export function deviceNumbers(device: string): string {
  if (/^\d+:\d+$/.test(device)) return device;
  const about = statSync(device, { bigint: true, throwIfNoEntry: false });
  if (about?.isBlockDevice() === true) return numbersOf(about.rdev);
  throw cannotHold(`ioDevices ${JSON.stringify(device)}`, 'this node has no such block device');
}

/** As makedev(3) packs them. */
function numbersOf(device: bigint): string {
  const major = ((device >> 8n) & 0xfffn) | ((device >> 32n) & 0xfffff000n);
  const minor = (device & 0xffn) | ((device >> 12n) & 0xffffff00n);
  return `${major}:${minor}`;
}

/** @returns whether a disk of this node has a scheduler that heeds weights: bfq does. */
export function heedsAnyWeights(): boolean {
  return readdirSync('/sys/block').some((disk) => schedulerOf(disk).includes('[bfq]'));
}

/** Some kinds of disk have none. */
function schedulerOf(disk: string): string {
  try {
    return readFileSync(`/sys/block/${disk}/queue/scheduler`, 'utf8');
  } catch {
    return '';
  }
}
