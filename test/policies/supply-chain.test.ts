import { afterEach, describe, expect, test } from '@jest/globals';
import { MOST } from '../../agent/images/attestations/bounds.ts';
import { describeEvidence } from '../../agent/images/facts/describe-evidence.ts';
import { DEFAULT_BUNDLE_DIR, openPolicyEngine, type PolicyEngine } from '../../policies/index.ts';
import { SPDX, TRIVY_REPORT, vulnerabilityPredicate } from '../images/attestations/predicates.ts';
import { DIGEST, ORIGIN, rulesOf, soundInput } from './sound-input.ts';

const opened: PolicyEngine[] = [];
afterEach(() => Promise.all(opened.splice(0).map((engine) => engine.close())));

async function engineWith(entries: unknown): Promise<PolicyEngine> {
  const engine = await openPolicyEngine({ bundleDir: DEFAULT_BUNDLE_DIR, settings: { 'supply-chain': entries } });
  opened.push(engine);
  return engine;
}

const EVERY = { repositories: ['*'] };
const VULNERABILITIES = 'https://cosign.sigstore.dev/attestation/vuln/v1';

/** Facts of an image about which one signer said this. */
function attested(...said: readonly (readonly [string, unknown])[]) {
  const signers = [{ authority: 'release', kind: 'key', signer: 'sha256:1' }] as const;
  const attestations = said.map(([predicateType, predicate]) => ({
    ...{ predicateType, predicate: predicate as never, signers, subjectDigest: DIGEST, signedAt: null },
  }));
  return { facts: describeEvidence({ signatures: [], attestations, rejected: [] }, [DIGEST]) };
}

describe('the settings of the supply-chain pack', () => {
  test('are no part of the bundle, and change its revision', async () => {
    const shipped = await openPolicyEngine({ bundleDir: DEFAULT_BUNDLE_DIR });
    opened.push(shipped);
    const revisions = [shipped, await engineWith([]), await engineWith([EVERY])].map(({ revision }) => revision);
    expect(new Set(revisions).size).toBe(3);
    expect(await shipped.evaluate(soundInput(), ORIGIN)).toEqual({ decision: 'allow' });
  });

  test('that are misspelt deny every workload', async () => {
    const engine = await engineWith([{ ...EVERY, vulnerabilites: { highest: 'low' } }]);
    const verdict = await engine.evaluate(soundInput(), ORIGIN);
    expect(verdict).toMatchObject({ decision: 'deny', findings: [{ policy: 'supply-chain', rule: 'settings' }] });
    expect(JSON.stringify(verdict)).toContain('[0].vulnerabilites: is not known');
  });

  test('of another pack change nothing', async () => {
    const engine = await openPolicyEngine({ bundleDir: DEFAULT_BUNDLE_DIR, settings: { other: { a: 1 } } });
    opened.push(engine);
    expect(await engine.evaluate(soundInput(), ORIGIN)).toEqual({ decision: 'allow' });
  });
});

describe('an image', () => {
  test('with a vulnerability that is too bad is denied at its image field, and allowed when it is ignored', async () => {
    const input = soundInput(attested([VULNERABILITIES, vulnerabilityPredicate(TRIVY_REPORT)]));
    const strict = await engineWith([{ ...EVERY, vulnerabilities: { highest: 'high' } }]);
    expect(await strict.evaluate(input, ORIGIN)).toMatchObject({
      decision: 'deny',
      findings: [
        {
          ...{ policy: 'supply-chain', rule: 'vulnerabilities', file: ORIGIN.file, line: 13 },
          message: expect.stringContaining('CVE-2023-45853'),
        },
      ],
    });
    const ignore = ['CVE-2023-45853', 'GHSA-1'];
    const lenient = await engineWith([{ ...EVERY, vulnerabilities: { highest: 'high', ignore } }]);
    expect(await lenient.evaluate(input, ORIGIN)).toEqual({ decision: 'allow' });
  });

  test('is judged in the time and memory there is with as much said of it as is kept', async () => {
    const packages = Array.from({ length: MOST.packages }, (_, index) => ({
      ...{ name: `package-of-some-length-${index}`, versionInfo: '1.2.3-4+deb12u1', licenseDeclared: 'MIT OR Zlib' },
      externalRefs: [{ referenceType: 'purl', referenceLocator: `pkg:deb/debian/package-${index}@1.2.3-4%2Bdeb12u1` }],
    }));
    const found = Array.from({ length: MOST.findings }, (_, index) => ({
      ...{
        VulnerabilityID: `CVE-2026-${index}`,
        PkgName: `package-${index}`,
        InstalledVersion: '1.2.3',
        Severity: 'LOW',
      },
    }));
    const report = vulnerabilityPredicate({ SchemaVersion: 2, Results: [{ Vulnerabilities: found }] });
    const sbom = ['https://spdx.dev/Document', { ...SPDX, packages }] as const;
    const said = Array.from({ length: MOST.lists }, () => [sbom, [VULNERABILITIES, report] as const]).flat();
    const engine = await openPolicyEngine({
      ...{ bundleDir: DEFAULT_BUNDLE_DIR, timeoutMs: 60_000 },
      settings: {
        'supply-chain': [
          {
            ...{ ...EVERY, vulnerabilities: { highest: 'low' } },
            packages: { forbidden: ['log4j-core'], forbiddenLicenses: ['AGPL-3.0-only'] },
          },
        ],
      },
    });
    opened.push(engine);
    const verdict = await engine.evaluate(soundInput(attested(...said)), ORIGIN);
    expect([verdict.decision, rulesOf(verdict)]).toEqual(['allow', []]);
  });
});
