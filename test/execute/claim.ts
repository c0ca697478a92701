export const MIB = 1024 * 1024;

/** A volume claim of 1 MiB that is kept. */
export const CLAIM = {
  namespace: 'shop',
  name: 'data',
  storageBytes: MIB,
  isForOnePod: false,
  reclaimPolicy: 'Retain',
} as const;
