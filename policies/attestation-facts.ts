/** A statement about an image that somebody who counts has signed, with what could be read of it. */
export type AttestationFacts = AttestationContent & {
  /** As signed, such as `https://slsa.dev/provenance/v1`. */
  readonly predicateType: string;
  /** At least one. */
  readonly signers: readonly SignerFacts[];
  readonly subjectDigest: string;
  /** When it was signed, as a log or a timestamp authority says; null when nobody says. */
  readonly signedAtNs: number | null;
};

/** Somebody whose signature verified. */
export interface SignerFacts {
  /** Name of the key in the agent's configuration; of an authority of an ImagePolicy `policy/authority`. */
  readonly authority: string;
  readonly kind: 'key' | 'keyless' | 'notation';
  /** Who it is whatever the authority is called: fingerprint of a key, `subject (issuer)`, or a distinguished name. */
  readonly signer: string;
}

/** What an attestation is about. `other` is of a type that is not looked into; `invalid` is not what its type says. */
export type AttestationContent =
  | { readonly kind: 'provenance'; readonly provenance: ProvenanceFacts }
  | { readonly kind: 'sbom'; readonly sbom: SbomFacts }
  | { readonly kind: 'vulnerabilities'; readonly report: VulnerabilityReport }
  | { readonly kind: 'vex'; readonly vex: VexFacts }
  | { readonly kind: 'other' }
  | { readonly kind: 'invalid'; readonly expected: AttestationKind; readonly reason: string };

/** Attestations that are looked into. */
export type AttestationKind = 'provenance' | 'sbom' | 'vulnerabilities' | 'vex';

/** How an image was built (SLSA provenance v0.2 and v1). */
export interface ProvenanceFacts {
  readonly format: 'slsa-v0.2' | 'slsa-v1';
  readonly builderId: string;
  readonly buildType: string;
  /** What was built; null when it is from no Git repository that is named. */
  readonly source: SourceFacts | null;
  /** What went into it, in the order of the document. */
  readonly materials: readonly MaterialFacts[];
  /** Whether `materials` lacks some. */
  readonly isTruncated: boolean;
  readonly finishedNs: number | null;
}

/** A commit of a Git repository. */
export interface SourceFacts {
  /** Without `git+`, `.git` and `@…`, such as `https://github.com/acme/shop`. */
  readonly repository: string;
  /** Such as `refs/heads/main`. */
  readonly ref: string | null;
  readonly commit: string | null;
}

/** Something that went into a build. */
export interface MaterialFacts {
  readonly uri: string;
  /** Hex, by algorithm. */
  readonly digest: Readonly<Record<string, string>>;
}

/** What an image is made of (SPDX 2.2 and 2.3, CycloneDX 1.4 to 1.6). */
export interface SbomFacts {
  readonly format: string;
  readonly createdNs: number | null;
  /** By name, then version; each once. */
  readonly packages: readonly PackageFacts[];
  /** Of all packages, those that `packages` lacks included. */
  readonly packageCount: number;
  /** Whether `packages` lacks some; of all but the newest SBOMs of an image it lacks all. */
  readonly isTruncated: boolean;
}

/** One package. */
export interface PackageFacts {
  readonly name: string;
  /** Group, namespace or scope, where that is told apart from the name; else empty. */
  readonly group: string;
  /** Empty when not said. */
  readonly version: string;
  /** Package URL; empty when not said. */
  readonly purl: string;
  /** Identifiers, names and expressions, as written. */
  readonly licenses: readonly string[];
  /** Every licence that is named in `licenses`, one by one. */
  readonly licenseIds: readonly string[];
}

/** Worst first; `unknown` is what a scanner has no word for. */
export const SEVERITIES = ['critical', 'high', 'medium', 'low', 'negligible', 'unknown'] as const;

/** How bad a vulnerability is. */
export type Severity = (typeof SEVERITIES)[number];

/** What a scanner found (cosign's vulnerability predicate around a report of Trivy or Grype). */
export interface VulnerabilityReport {
  readonly format: 'trivy' | 'grype';
  /** As the predicate names it. */
  readonly scanner: { readonly uri: string; readonly version: string };
  /** When the scan ended; null when not said. */
  readonly scannedNs: number | null;
  /** State of the scanner's database; null when not said. */
  readonly databaseNs: number | null;
  /** Of all findings, those that `findings` lacks included. */
  readonly counts: Readonly<Record<Severity, number>>;
  /** Of those, the ones that a newer version fixes. */
  readonly fixable: Readonly<Record<Severity, number>>;
  /** Worst first, then by id and package; each once. */
  readonly findings: readonly VulnerabilityFacts[];
  /** Whether `findings` lacks some: the least bad ones, or all when there are several newer reports. */
  readonly isTruncated: boolean;
}

/** A vulnerability of one package of an image. */
export interface VulnerabilityFacts {
  /** Such as `CVE-2021-44228`. */
  readonly id: string;
  /** What else it is called. */
  readonly aliases: readonly string[];
  readonly severity: Severity;
  readonly package: string;
  readonly version: string;
  readonly purl: string;
  readonly isFixable: boolean;
  /** Versions that fix it, as the scanner writes them; empty when none does. */
  readonly fixedIn: readonly string[];
}

/** What the makers say of vulnerabilities (OpenVEX). */
export interface VexFacts {
  readonly author: string;
  readonly updatedNs: number | null;
  /** In the order of the document: of two about one vulnerability the later one is the newer. */
  readonly statements: readonly VexStatement[];
  readonly isTruncated: boolean;
}

/** What is said of one vulnerability. */
export interface VexStatement {
  readonly id: string;
  readonly aliases: readonly string[];
  readonly status: 'not_affected' | 'affected' | 'fixed' | 'under_investigation';
  /** Why it is not affected; empty when not said. */
  readonly justification: string;
  /** Identifiers of what it is said of, the first 20; empty is the image. */
  readonly products: readonly string[];
  /** Parts of those that it is said of, the first 20; empty is all of them. */
  readonly components: readonly string[];
  /** Whether it is said of this image: no product is named, or one by this image's digest. */
  readonly isOfImage: boolean;
  readonly statedNs: number | null;
}
