import { formatAddress, parseSubnet, subnetSize } from '../../../manifests/index.ts';
import type { AddressRange } from '../../../native/index.ts';

/** @returns the addresses of a block without those of its exceptions, as ranges in order. */
export function blockRanges(cidr: string, except: readonly string[]): readonly AddressRange[] {
  const block = parseSubnet(cidr);
  if (block === null) return [];
  const end = block.first + subnetSize(block);
  const holes = except
    .flatMap((text) => parseSubnet(text) ?? [])
    .map((subnet) => ({ first: subnet.first, end: subnet.first + subnetSize(subnet) }))
    .sort((a, b) => (a.first < b.first ? -1 : Number(a.first > b.first)));
  const ranges: { readonly first: bigint; readonly end: bigint }[] = [];
  let from = block.first;
  for (const hole of holes) {
    if (hole.first > from) ranges.push({ first: from, end: hole.first });
    if (hole.end > from) from = hole.end;
  }
  if (from < end) ranges.push({ first: from, end });
  const text = (value: bigint): string => formatAddress(block.family, value);
  return ranges.map((range) => ({ first: text(range.first), last: text(range.end - 1n) }));
}
