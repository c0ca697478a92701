/** One line of a container's log (CRI log format). */
export interface LogLine {
  /** RFC 3339, nanoseconds. */
  readonly time: string;
  readonly stream: 'stdout' | 'stderr';
  readonly text: string;
}

/** Puts lines together from a log that is read piece by piece. */
export interface LineReader {
  /** @param bytes the next piece, cut anywhere. @returns the lines that are whole now. */
  read(bytes: Uint8Array): readonly LogLine[];
  /** Forgets what was read of a line that is not whole yet: it will not go on. */
  reset(): void;
}

const NEWLINE = 0x0a;
/** A line without an end is told in parts of this length. */
const LONGEST_TEXT = 1024 * 1024;

/** Reads the CRI log format: `<time> <stream> <F|P> <text>`, `P` marking a part of a longer line. Other lines are skipped. */
export function createLineReader(): LineReader {
  let rest: Uint8Array = Buffer.alloc(0);
  const parts = { stdout: '', stderr: '' };
  const parse = (raw: string): readonly LogLine[] => {
    const [, time = '', name, tag, body = ''] = /^(\S+) (stdout|stderr) ([FP]) (.*)$/s.exec(raw) ?? [];
    if (name === undefined) return [];
    const stream = name as LogLine['stream'];
    const text = parts[stream] + body;
    const isOver = tag === 'F' || text.length >= LONGEST_TEXT;
    parts[stream] = isOver ? '' : text;
    return isOver ? [{ time, stream, text }] : [];
  };
  return {
    read: (bytes) => {
      const all = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      // Copied, for the reader of the file fills the same buffer again.
      rest = Uint8Array.from(all.subarray(all.lastIndexOf(NEWLINE) + 1));
      const whole = Buffer.from(all.subarray(0, all.length - rest.length)).toString('utf8');
      return whole.split('\n').flatMap(parse);
    },
    reset: () => {
      rest = Buffer.alloc(0);
    },
  };
}
