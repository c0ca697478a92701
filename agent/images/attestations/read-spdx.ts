import * as z from 'zod';
import type { AttestationContent, PackageFacts } from '../../../policies/index.ts';
import { entries, longText, optionalText, text } from './bounds.ts';
import { optionalInstant } from './instant.ts';
import { licenseIdsOf } from './license-ids.ts';
import { sbomOf } from './sbom-of.ts';
import { unwrapped } from './unwrapped.ts';

const document = z.object({
  spdxVersion: z.enum(['SPDX-2.2', 'SPDX-2.3']),
  creationInfo: z.object({ created: optionalInstant }).nullish(),
  packages: entries,
});

const license = longText.nullish();

const spdxPackage = z.object({
  name: text.min(1),
  versionInfo: optionalText,
  licenseConcluded: license,
  licenseDeclared: license,
  externalRefs: z
    .array(z.object({ referenceType: text, referenceLocator: longText }))
    .max(1_000)
    .nullish(),
});

/** Words for not knowing (SPDX 2.3, 7.13). */
const UNKNOWN = ['NOASSERTION', 'NONE', ''];

/** Reads an SPDX document in JSON. @throws ZodError */
export function readSpdx(predicate: unknown): AttestationContent {
  const { spdxVersion, creationInfo, packages } = document.parse(unwrapped(predicate, 'spdxVersion'));
  const found = z.array(spdxPackage).parse(packages).map(factsOf);
  return { kind: 'sbom', sbom: sbomOf(spdxVersion.toLowerCase(), creationInfo?.created ?? null, found) };
}

function factsOf(one: z.infer<typeof spdxPackage>): PackageFacts {
  const { name, versionInfo, licenseConcluded, licenseDeclared, externalRefs } = one;
  const licenses = [licenseConcluded, licenseDeclared].filter((each) => !UNKNOWN.includes(each ?? '')) as string[];
  const purl = externalRefs?.find(({ referenceType }) => referenceType === 'purl')?.referenceLocator ?? '';
  return {
    name,
    group: '',
    version: versionInfo,
    purl,
    licenses: [...new Set(licenses)],
    licenseIds: licenseIdsOf(licenses),
  };
}
