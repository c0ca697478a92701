import * as z from 'zod';

/** Linux's PATH_MAX, with the NUL. */
const LONGEST = 4_095;

/** An absolute path without `.`, `..` or empty parts; the output has no `/` at its end. */
export const absolutePath = z
  .string()
  .max(LONGEST)
  .transform((written, context) => {
    const problem = pathProblem(written);
    if (problem === null) return written === '/' ? '/' : written.replace(/\/$/, '');
    context.addIssue({ code: 'custom', message: problem });
    return z.NEVER;
  });

function pathProblem(path: string): string | null {
  if (!path.startsWith('/')) return 'must be an absolute path; begin it with `/`';
  const parts = path.slice(1).replace(/\/$/, '').split('/');
  if (parts.includes('..')) return 'must not contain `..`; write the path it leads to';
  if (path !== '/' && (parts.includes('.') || parts.includes(''))) {
    return 'must not contain `.` or empty parts; write the path without them';
  }
  return null;
}
