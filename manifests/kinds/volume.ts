import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { absolutePath } from './absolute-path.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { dnsLabel } from './names.ts';

// A size nobody enforces would be a promise broken in silence.
const emptyDir = strictFields({ medium: z.enum(['', 'Memory']).optional() }, ['sizeLimit']);

const hostPath = strictFields(
  {
    path: absolutePath,
    type: z.enum(['', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']).optional(),
  },
  [],
);

/** A pod's volume as written: exactly one source. */
export const volume = strictFields(
  { name: dnsLabel, emptyDir: emptyDir.optional(), hostPath: hostPath.optional() },
  UNSUPPORTED.volume,
).superRefine((written, context) => {
  if ((written.emptyDir === undefined) !== (written.hostPath === undefined)) return;
  context.addIssue({ code: 'custom', message: 'must have exactly one of `emptyDir` and `hostPath`' });
});

/** Trees the runtime itself provides, and that a volume would take apart. */
const RESERVED = ['/proc', '/sys', '/dev'];

/** The one place below them made to be replaced. */
const SHARED_MEMORY = '/dev/shm';

const mountPath = absolutePath.superRefine((path, context) => {
  const reserved = RESERVED.find((tree) => path === tree || path.startsWith(`${tree}/`));
  if (path === '/') context.addIssue({ code: 'custom', message: 'must not be `/`; mount below it' });
  if (path.includes(':')) context.addIssue({ code: 'custom', message: 'must not contain `:`; choose another path' });
  if (reserved && path !== SHARED_MEMORY) {
    context.addIssue({ code: 'custom', message: `must not be over \`${reserved}\`; choose another path` });
  }
});

/** A container's use of a volume, as written. */
export const volumeMount = strictFields(
  { name: dnsLabel, mountPath, readOnly: z.boolean().optional() },
  UNSUPPORTED.volumeMount,
);

/** A pod's volume as written. */
export type WrittenVolume = z.output<typeof volume>;
