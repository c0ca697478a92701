import { basename } from 'node:path';
import { tellHost } from './host-line.ts';

/** The part of Jest's test file and results that is told. */
interface TestFile {
  readonly path: string;
}

interface CaseResult {
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: string;
  readonly duration?: number | null;
  readonly failureMessages: readonly string[];
}

interface FileResult {
  readonly testExecError?: { readonly message?: string } | null;
}

/** A Jest reporter that tells the host of each test as it ends, and of files that could not be run. */
export default class HostLineReporter {
  onTestCaseResult({ path }: TestFile, result: CaseResult): void {
    tellHost({
      type: 'check',
      suite: basename(path, '.test.ts'),
      name: [...result.ancestorTitles, result.title].join(' '),
      isPassed: result.status === 'passed',
      durationMs: result.duration ?? 0,
      detail: result.failureMessages.join('\n'),
    });
  }

  onTestResult({ path }: TestFile, { testExecError }: FileResult): void {
    if (!testExecError) return;
    const detail = testExecError.message ?? '';
    const name = 'the file can be run';
    tellHost({ type: 'check', suite: basename(path, '.test.ts'), name, isPassed: false, durationMs: 0, detail });
  }

  getLastError(): void {}
}
