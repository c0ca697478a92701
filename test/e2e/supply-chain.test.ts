import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { webManifest } from '../demo/manifests.ts';
import { CYCLONEDX, SLSA_V1, TRIVY_REPORT, vulnerabilityPredicate } from '../images/attestations/predicates.ts';
import { signAs } from '../world/cosign.ts';
import { type Fleet, holds, startFleet } from '../world/fleet.ts';
import type { BuiltImage } from '../world/image-builder.ts';
import type { Program } from '../world/program.ts';

let fleet: Fleet;
let agent: Program;

beforeAll(async () => {
  fleet = await startFleet();
  await fleet.configure((config) => {
    config.policy = {
      settings: {
        'supply-chain': [
          {
            repositories: ['*'],
            vulnerabilities: { highest: 'high', unknownAs: 'low' },
            packages: { forbidden: ['event-stream'] },
          },
        ],
      },
    };
  });
});
afterAll(async () => {
  await agent?.stop();
  await fleet?.stop();
});

const commit = (text: string): Promise<string> => fleet.author.commit({ files: { 'web.yaml': text }, message: 'next' });

async function attest(image: BuiltImage, predicateType: string, predicate: object): Promise<void> {
  const { imageKey: key, directory } = fleet;
  const attestation = { predicateType, predicate };
  await signAs({ by: { key }, reference: image.reference, tool: 'cosign', directory, attestation });
}

/** As npm describes a project that depends on one package. */
async function npmSbom(dependency: string): Promise<object> {
  const packages = {
    '': { name: 'shop', version: '1.0.0', dependencies: { [dependency]: '1.0.0' } },
    [`node_modules/${dependency}`]: { version: '1.0.0', license: 'MIT' },
  };
  const project = { name: 'shop', version: '1.0.0' };
  await writeFile(join(fleet.directory, 'package.json'), JSON.stringify({ ...project, ...packages[''] }));
  const lock = { ...project, lockfileVersion: 3, packages };
  await writeFile(join(fleet.directory, 'package-lock.json'), JSON.stringify(lock));
  const args = ['sbom', '--package-lock-only', '--sbom-format', 'spdx'];
  const { stdout } = await promisify(execFile)('npm', args, { cwd: fleet.directory });
  return JSON.parse(stdout);
}

test('what real cosign attests of an image decides whether it runs, with file and line', async () => {
  const [bad, good] = [await fleet.publish('bad'), await fleet.publish('good')];
  await attest(bad, 'vuln', vulnerabilityPredicate(TRIVY_REPORT));
  await attest(bad, 'spdxjson', await npmSbom('event-stream'));
  await attest(good, 'vuln', vulnerabilityPredicate({ ...TRIVY_REPORT, Results: [] }));
  await attest(good, 'spdxjson', await npmSbom('left-pad'));
  await attest(good, 'cyclonedx', CYCLONEDX);
  await attest(good, 'slsaprovenance1', SLSA_V1);

  agent = await fleet.startAgent();
  const manifest = webManifest({ image: bad.reference, replicas: 1 });
  const line = manifest.split('\n').findIndex((text) => text.includes('image:')) + 1;
  await commit(manifest);
  const denied = await fleet.until('the vulnerable image is denied', (now) =>
    now.workloads.some(({ findings }) => findings.some(({ policy }) => policy === 'supply-chain')),
  );
  const findings = denied.workloads.flatMap((workload) => workload.findings);
  expect(findings).toEqual([
    expect.objectContaining({ rule: 'packages', severity: 'deny', file: 'web.yaml', line }),
    expect.objectContaining({ rule: 'vulnerabilities', severity: 'deny', file: 'web.yaml', line }),
  ]);
  expect(findings[1]?.message).toContain('CVE-2023-45853');

  await commit(webManifest({ image: good.reference, replicas: 1 }));
  await fleet.until('the mended image runs', (now) => holds(now, 'Synced'));

  const shown = await fleet.holdfast('image', 'inspect', good.reference);
  expect(shown.stdout).toMatch(/vulnerabilities +release +none found \(trivy\)\n/);
  expect(shown.stdout).toMatch(/sbom +release +2 packages \(spdx-2\.3\)\n/);
  expect(shown.stdout).toMatch(/sbom +release +3 packages \(cyclonedx-1\.6\)\n/);
  expect(shown.stdout).toMatch(/provenance +release +built by \S+ from https:\/\/github\.com\/acme\/shop\n/);
  const { stdout } = await fleet.holdfast('--output', 'json', 'image', 'inspect', bad.reference);
  expect(JSON.parse(stdout).facts.attestations).toContainEqual(
    expect.objectContaining({ kind: 'vulnerabilities', report: expect.objectContaining({ format: 'trivy' }) }),
  );
});
