import { Composer, type CST, type Document, LineCounter, Parser } from 'yaml';
import type { Problem } from '../origin.ts';
import { YAML_LIMITS } from './limits.ts';
import { findDeepNesting } from './nesting.ts';
import { readDocument } from './read-document.ts';
import { syntaxMessage } from './syntax-message.ts';
import type { Place, YamlDocument, YamlFile } from './yaml-document.ts';

/**
 * Reads a YAML 1.2 (core schema) or JSON file strictly: what a reviewer sees is what is read. Refused are duplicate keys,
 * merge keys, anchors, aliases, tags, directives, keys that are not text, numbers JSON cannot hold exactly, and anything
 * beyond `YAML_LIMITS`. Empty documents are skipped. A file named `.json` must also be JSON. Never throws.
 * @returns every document that has no syntax error, and all problems of the file.
 */
export function readYaml(file: string, text: string): YamlFile {
  const refusal = refuseWhole(file, text);
  if (refusal) return { documents: [], problems: [refusal] };
  const lines = new LineCounter();
  const problems: Problem[] = [];
  const documents: YamlDocument[] = [];
  const report = (offset: number, message: string): void => {
    problems.push({ file, ...placeOf(lines, offset), path: '', message });
  };
  for (const document of compose(text, lines, report)) {
    if (document.errors.length > 0) reportSyntax(document, report, lines);
    else if (!isEmpty(document)) {
      const read = readDocument(file, document, (offset) => placeOf(lines, offset));
      documents.push(read.document);
      problems.push(...read.problems);
    }
  }
  return { documents, problems };
}

type Report = (offset: number, message: string) => void;

function refuseWhole(file: string, text: string): Problem | null {
  const start = { file, line: 1, column: 1, path: '' };
  // A character is at least a byte: texts far beyond the limit are not encoded to find out.
  const isTooLarge =
    text.length > YAML_LIMITS.fileBytes || new TextEncoder().encode(text).length > YAML_LIMITS.fileBytes;
  if (isTooLarge) return { ...start, message: 'file is larger than 1 MiB; split it' };
  if (!file.endsWith('.json')) return null;
  try {
    JSON.parse(text);
    return null;
  } catch (error) {
    return { ...start, ...placeInJson(error), message: 'not valid JSON; correct it, or name the file .yaml' };
  }
}

/** Takes the place only: the rest of the engine's message quotes the text, and that may be a secret. */
function placeInJson(error: unknown): Place | null {
  const place = / \(line (\d+) column (\d+)\)/.exec(error instanceof Error ? error.message : '');
  return place && { line: Number(place[1]), column: Number(place[2]) };
}

function* compose(text: string, lines: LineCounter, report: Report): Generator<Document.Parsed> {
  // Duplicate keys are found while reading, in linear time.
  const composer = new Composer({ version: '1.2', schema: 'core', merge: false, uniqueKeys: false });
  let count = 0;
  for (const token of new Parser(lines.addNewLine).parse(text)) {
    if (token.type === 'document') {
      count += 1;
      if (count > YAML_LIMITS.documents) {
        report(token.offset, `file has more than ${YAML_LIMITS.documents} documents; split it`);
        break;
      }
    }
    if (isReadable(token, report)) yield* composer.next(token) as Generator<Document.Parsed>;
  }
  yield* composer.end() as Generator<Document.Parsed>;
}

function isReadable(token: CST.Token, report: Report): boolean {
  if (token.type === 'directive') {
    report(token.offset, 'YAML directives (`%…`) are not supported; remove the line');
    return false;
  }
  if (token.type !== 'document') return true;
  const tooDeep = findDeepNesting(token, YAML_LIMITS.nesting);
  if (tooDeep !== null) report(tooDeep, `nested more than ${YAML_LIMITS.nesting} levels deep; flatten it`);
  return tooDeep === null;
}

/** One error per line: what follows the first is nearly always its echo. */
function reportSyntax(document: Document.Parsed, report: Report, lines: LineCounter): void {
  const reported = new Set<number>();
  for (const error of document.errors) {
    const { line } = lines.linePos(error.pos[0]);
    if (!reported.has(line)) report(error.pos[0], syntaxMessage(error));
    reported.add(line);
  }
}

function isEmpty(document: Document.Parsed): boolean {
  const { contents } = document;
  return contents === null || (contents.range[0] === contents.range[1] && !contents.tag && !contents.anchor);
}

function placeOf(lines: LineCounter, offset: number): Place {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(line, 1), column: Math.max(col, 1) };
}
