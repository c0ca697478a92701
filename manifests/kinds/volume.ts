import * as z from 'zod';
import { strictFields } from '../schema/known-fields.ts';
import { parseBytes } from '../values/quantity.ts';
import { absolutePath } from './absolute-path.ts';
import { exactlyOne } from './exactly-one.ts';
import { UNSUPPORTED } from './kubernetes-fields.ts';
import { dnsLabel, dnsSubdomain } from './names.ts';
import { configMapVolume, downwardVolume, projectedVolume, secretVolume } from './projection.ts';
import { quantity } from './quantity-field.ts';
import { relativePath } from './relative-path.ts';

const emptyDir = strictFields(
  { medium: z.enum(['', 'Memory']).optional(), sizeLimit: quantity(parseBytes, 1).optional() },
  [],
);

const hostPath = strictFields(
  {
    path: absolutePath,
    type: z.enum(['', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket']).optional(),
  },
  [],
);

const claim = strictFields({ claimName: dnsSubdomain, readOnly: z.boolean().optional() }, []);

const SOURCES = [
  'configMap',
  'downwardAPI',
  'emptyDir',
  'hostPath',
  'persistentVolumeClaim',
  'projected',
  'secret',
] as const;

/** A pod's volume as written: exactly one source. */
export const volume = strictFields(
  {
    name: dnsLabel,
    configMap: configMapVolume.optional(),
    downwardAPI: downwardVolume.optional(),
    emptyDir: emptyDir.optional(),
    hostPath: hostPath.optional(),
    persistentVolumeClaim: claim.optional(),
    projected: projectedVolume.optional(),
    secret: secretVolume.optional(),
  },
  UNSUPPORTED.volume,
).superRefine(exactlyOne(SOURCES));

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

const readOnlyBelow = z.enum(['Enabled', 'IfPossible'], {
  error: ({ input }) =>
    input === 'Disabled'
      ? 'a read-only mount is always read-only all the way down here; remove the field, or `readOnly`'
      : undefined,
});

/** A container's use of a volume, as written. */
export const volumeMount = strictFields(
  {
    name: dnsLabel,
    mountPath,
    readOnly: z.boolean().optional(),
    recursiveReadOnly: readOnlyBelow.optional(),
    subPath: relativePath.optional(),
    subPathExpr: relativePath.optional(),
    mountPropagation: z.enum(['None', 'HostToContainer', 'Bidirectional']).optional(),
  },
  [],
).superRefine(({ readOnly, recursiveReadOnly, subPath, subPathExpr }, context) => {
  const report = (field: string, message: string): void => context.addIssue({ code: 'custom', path: [field], message });
  if (subPath !== undefined && subPathExpr !== undefined)
    report('subPathExpr', 'is written beside `subPath`; keep one of them');
  if (recursiveReadOnly !== undefined && readOnly !== true)
    report('recursiveReadOnly', 'means something with `readOnly: true` only; add that, or remove it');
});

/** A pod's volume as written. */
export type WrittenVolume = z.output<typeof volume>;

/** A container's use of a volume, as written. */
export type WrittenVolumeMount = z.output<typeof volumeMount>;
