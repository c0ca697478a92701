import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { TelemetryError } from './errors.ts';

/** Headers sent with every export, such as an authorization. */
export type Headers = Readonly<Record<string, string>>;

const MAX_BYTES = 16_384;
/** A field name and a value of visible characters and spaces (RFC 9110, 5.1 and 5.5). */
const HEADER = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)[ \t]*:[ \t]*([\x20-\x7e]+)$/;
const HOW_TO = 'write one `Name: value` a line';

/**
 * Reads the secret headers of the receiver: one `Name: value` a line, empty lines and lines that start with `#` skipped.
 * @throws TelemetryError `headers-file` when it cannot be read, others than its owner may access it, or a line is wrong.
 */
export async function readHeadersFile(path: string): Promise<Headers> {
  const text = await readPrivateFile(path);
  const headers = new Map<string, string>();
  for (const [index, line] of text.split('\n').entries()) {
    const trimmed = line.trim();
    if (trimmed === '' || trimmed.startsWith('#')) continue;
    const header = parseHeader(trimmed);
    if (!header) throw fail(`${path}:${index + 1}: this is no header; ${HOW_TO}`);
    if (headers.has(header.name)) throw fail(`${path}:${index + 1}: header ${header.name} is given twice; remove one`);
    headers.set(header.name, header.value);
  }
  if (headers.size === 0) throw fail(`${path}: holds no header; ${HOW_TO}, or remove the setting`);
  return Object.fromEntries(headers);
}

async function readPrivateFile(path: string): Promise<string> {
  const file = await openFile(path);
  try {
    const { mode, uid, size } = await file.stat();
    if ((mode & constants.S_IFMT) !== constants.S_IFREG) throw fail(`${path}: is not a regular file`);
    if ((mode & 0o077) !== 0) throw fail(`${path}: others than its owner may access it; run \`chmod 600 ${path}\``);
    if (uid !== 0 && uid !== process.geteuid?.()) {
      throw fail(`${path}: belongs to another user; run \`chown root ${path}\``);
    }
    if (size > MAX_BYTES) throw fail(`${path}: has ${size} bytes; at most ${MAX_BYTES} are read`);
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw fail(`${path}: cannot be opened (${(cause as NodeJS.ErrnoException).code}); it must hold the headers`, cause);
  }
}

function parseHeader(line: string): { readonly name: string; readonly value: string } | null {
  const [, name, value] = HEADER.exec(line) ?? [];
  return name === undefined || value === undefined ? null : { name: name.toLowerCase(), value };
}

function fail(message: string, cause?: unknown): TelemetryError {
  return new TelemetryError('headers-file', message, { cause });
}
