import * as z from 'zod';
import type { AttestationContent, PackageFacts } from '../../../policies/index.ts';
import { entries, longText, MOST, optionalText, text } from './bounds.ts';
import { optionalInstant } from './instant.ts';
import { licenseIdsOf } from './license-ids.ts';
import { sbomOf } from './sbom-of.ts';
import { unwrapped } from './unwrapped.ts';

const document = z.object({
  bomFormat: z.literal('CycloneDX'),
  specVersion: z.enum(['1.4', '1.5', '1.6']),
  metadata: z.object({ timestamp: optionalInstant }).nullish(),
  components: entries,
});

const license = z.union([
  z.object({ expression: longText }),
  z.object({ license: z.union([z.object({ id: text }), z.object({ name: longText })]) }),
]);

const component = z.object({
  type: text,
  name: text.min(1),
  group: optionalText,
  version: optionalText,
  purl: longText.nullish(),
  licenses: z.array(license).max(1_000).nullish(),
  components: entries,
});

type Component = z.infer<typeof component>;

/** Components of this type are no packages, and there may be as many as the image has files. */
const FILE = 'file';

/** Reads a CycloneDX document in JSON, components within components too. @throws ZodError, Error */
export function readCycloneDx(predicate: unknown): AttestationContent {
  const { specVersion, metadata, components } = document.parse(unwrapped(predicate, 'bomFormat'));
  const found: PackageFacts[] = [];
  let level = z.array(component).parse(components);
  let seen = level.length;
  for (let depth = 1; level.length > 0; depth += 1) {
    if (depth > MOST.depth) throw new Error(`components: nested deeper than ${MOST.depth}`);
    found.push(...level.filter(({ type }) => type !== FILE).map(factsOf));
    const inner = level.flatMap((each) => each.components);
    seen += inner.length;
    if (seen > MOST.entries) throw new Error(`components: more than ${MOST.entries} entries`);
    level = z.array(component).parse(inner);
  }
  return { kind: 'sbom', sbom: sbomOf(`cyclonedx-${specVersion}`, metadata?.timestamp ?? null, found) };
}

function factsOf({ name, group, version, purl, licenses }: Component): PackageFacts {
  const texts = (licenses ?? []).map((each) => {
    if ('expression' in each) return each.expression;
    return 'id' in each.license ? each.license.id : each.license.name;
  });
  return { name, group, version, purl: purl ?? '', licenses: [...new Set(texts)], licenseIds: licenseIdsOf(texts) };
}
