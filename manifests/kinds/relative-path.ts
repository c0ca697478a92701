import * as z from 'zod';

/** Linux's PATH_MAX, with the NUL. */
const LONGEST = 4_095;

/** A path below a volume: relative, without `.`, `..` or empty parts, and beginning with anything but `..`. */
export const relativePath = z
  .string()
  .min(1)
  .max(LONGEST)
  .superRefine((path, context) => {
    const problem = pathProblem(path);
    if (problem !== null) context.addIssue({ code: 'custom', message: problem });
  });

function pathProblem(path: string): string | null {
  if (path.startsWith('/')) return 'must be a path below the volume; drop the `/` it begins with';
  const parts = path.split('/');
  if (parts.includes('..')) return 'must not contain `..`; write the path it leads to';
  if (parts.includes('.') || parts.includes('')) return 'must not contain `.` or empty parts; write it without them';
  return path.startsWith('..') ? 'must not begin with `..`, which names of the volume itself begin with' : null;
}
