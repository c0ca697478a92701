import { quoted } from '../text/quoted.ts';
import type { DeviceLimits } from '../workload.ts';
import { parseBytes, parseCount } from './quantity.ts';

const DEVICE = /^(?:\d{1,4}:\d{1,7}|\/dev\/[\w.:+-]{1,64}(?:\/[\w.:+-]{1,64}){0,3})$/;
const EXAMPLE = '`/dev/sda rbps=10M wiops=100`';

/** Words of io.max (kernel Documentation/admin-guide/cgroup-v2.rst), and of a weight. */
const RATES: Readonly<Record<string, (text: string) => number | string>> = {
  rbps: parseBytes,
  wbps: parseBytes,
  riops: parseCount,
  wiops: parseCount,
  weight: parseCount,
};

/**
 * Reads limits of block devices: `/dev/sda rbps=10M wbps=1Mi riops=100 wiops=50 weight=200`, several with commas between.
 * @returns them, or a sentence saying what is wrong.
 */
export function parseDeviceLimits(text: string): readonly DeviceLimits[] | string {
  const devices: DeviceLimits[] = [];
  for (const part of text.split(',')) {
    const [device = '', ...words] = part.trim().split(/\s+/);
    if (!DEVICE.test(device) || device.includes('..')) {
      return `${quoted(device)} is no block device; write one such as ${EXAMPLE}, or its numbers as \`8:0\``;
    }
    if (devices.some((each) => each.device === device)) return `${quoted(device)} is there twice; write it once`;
    const rates = readRates(words);
    if (typeof rates === 'string') return rates;
    devices.push({ device, ...rates });
  }
  return devices;
}

type Rates = Omit<DeviceLimits, 'device'>;

function readRates(words: readonly string[]): Rates | string {
  const found: Record<string, number> = {};
  if (words.length === 0) return `limits nothing; write ${EXAMPLE}`;
  for (const word of words) {
    const [key = '', value = '', ...rest] = word.split('=');
    const read = Object.hasOwn(RATES, key) ? RATES[key] : undefined;
    if (read === undefined || rest.length > 0) {
      return `${quoted(word)} is none of ${Object.keys(RATES).join(', ')} with a value; write ${EXAMPLE}`;
    }
    if (key in found) return `${quoted(key)} is there twice; write it once`;
    const amount = read(value);
    if (typeof amount === 'string') return amount;
    if (key === 'weight' && (amount < 10 || amount > 1000)) return '`weight` must be from 10 to 1000';
    if (amount === 0) return `${quoted(word)} must be more than zero`;
    found[key] = amount;
  }
  const { rbps = null, wbps = null, riops = null, wiops = null, weight = null } = found;
  return {
    readBytesPerSecond: rbps,
    writeBytesPerSecond: wbps,
    readsPerSecond: riops,
    writesPerSecond: wiops,
    weight,
  };
}
