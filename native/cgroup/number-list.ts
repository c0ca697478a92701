const MOST = 65_535;

/** @returns the numbers of a list such as `0-3,6`, ascending, each once; null when it is no such list, or empty. */
export function parseNumberList(text: string): readonly number[] | null {
  const numbers = new Set<number>();
  for (const part of text.split(',')) {
    const [, first, last = first] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part.trim()) ?? [];
    if (first === undefined) return null;
    const [from, to] = [Number(first), Number(last)];
    if (from > to || to > MOST) return null;
    for (let number = from; number <= to; number++) numbers.add(number);
  }
  return [...numbers].sort((a, b) => a - b);
}

/** @returns the list in the form in which the kernel shows it: ascending, neighbours joined. */
export function formatNumberList(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] + 1 === number) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',');
}

/** @returns a list in its normal form; what is none, as it is. */
export function canonicalNumberList(text: string): string {
  const numbers = parseNumberList(text);
  return numbers === null ? text : formatNumberList(numbers);
}
