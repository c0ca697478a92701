import { type AttestationFacts, type ImageFacts, SEVERITIES } from '../../policies/index.ts';
import { plain, table } from './print.ts';

/** @returns who vouches for an image and what they say of it, and what was refused; nothing when there is nothing. */
export function showVouchers({ signatures, attestations, rejected }: ImageFacts): string {
  const said = [
    ...signatures.map((signature) => ['signature', signature.authority, '']),
    ...attestations.map((one) => [
      nameOf(one),
      one.signers.map(({ authority }) => authority).join(', '),
      summaryOf(one),
    ]),
  ];
  const refused = rejected.map(({ code, detail }) => [code, plain(detail)]);
  return [
    said.length === 0 ? '' : `\n${table(['SAID', 'BY', 'WHAT'], said.map(cells))}`,
    refused.length === 0 ? '' : `\n${table(['REFUSED', 'WHY'], refused.map(cells))}`,
  ].join('');
}

function cells(row: readonly string[]): readonly string[] {
  return row.map((cell) => plain(cell === '' ? '-' : cell));
}

function nameOf(one: AttestationFacts): string {
  return one.kind === 'other' || one.kind === 'invalid' ? one.predicateType : one.kind;
}

function summaryOf(one: AttestationFacts): string {
  switch (one.kind) {
    case 'provenance':
      return `built by ${one.provenance.builderId} from ${one.provenance.source?.repository ?? 'an unknown source'}`;
    case 'sbom':
      return `${one.sbom.packageCount} packages (${one.sbom.format})`;
    case 'vulnerabilities': {
      const found = SEVERITIES.filter((severity) => one.report.counts[severity] > 0);
      const counts = found.map((severity) => `${one.report.counts[severity]} ${severity}`).join(', ');
      return `${counts === '' ? 'none found' : counts} (${one.report.format})`;
    }
    case 'vex':
      return `${one.vex.statements.length} statements by ${one.vex.author}`;
    case 'other':
      return 'not looked into';
    case 'invalid':
      return `cannot be read: ${one.reason}`;
    default:
      return one satisfies never;
  }
}
