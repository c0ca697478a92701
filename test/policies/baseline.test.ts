import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { DEFAULT_BUNDLE_DIR, openPolicyEngine, type PolicyEngine } from '../../policies/index.ts';
import { SOUND_FACTS } from '../fakes/image-facts.ts';
import { type Changes, DIGEST, IMAGE, ORIGIN, rulesOf, SOUND_CONTAINER, soundInput } from './sound-input.ts';

let engine: PolicyEngine;
beforeAll(async () => {
  engine = await openPolicyEngine({ bundleDir: DEFAULT_BUNDLE_DIR });
});
afterAll(() => engine.close());

const TAGGED = 'registry.example/app:latest';

describe('the default bundle allows', () => {
  const sound: readonly (readonly [string, Changes])[] = [
    ['a workload that meets every rule', {}],
    ['a uid in the manifest, whatever the image says', { securityContext: { runAsUser: 1 }, facts: { user: 'root' } }],
    ['the largest uid', { securityContext: { runAsUser: 2_147_483_647 } }],
    ['a numeric user of the image', { facts: { user: '65532' } }],
    ['a numeric user with a named group', { facts: { user: '65532:nogroup' } }],
    ['the smallest limits', { limits: { cpuMillis: 1, memoryBytes: 1 } }],
    ['several signers', { facts: { signedBy: ['release', 'security'] } }],
    ['an index pinned and a manifest resolved', { facts: { digest: `sha256:${'b'.repeat(64)}` } }],
    ['two containers', { pod: { containers: [SOUND_CONTAINER, { ...SOUND_CONTAINER, name: 'side' }] } }],
  ];
  test.each(sound)('%s', async (_, changes) => {
    expect(await engine.evaluate(soundInput(changes), ORIGIN)).toEqual({ decision: 'allow' });
  });
});

describe('the default bundle denies', () => {
  const runAsUser = ['containers[0].securityContext.runAsUser'];
  const image = ['containers[0].image'];
  const unsound: readonly (readonly [string, string, readonly string[], Changes])[] = [
    ['uid 0', 'no-root', runAsUser, { securityContext: { runAsUser: 0 } }],
    ['a negative uid', 'no-root', runAsUser, { securityContext: { runAsUser: -1 } }],
    ['a uid that wraps to 0', 'no-root', runAsUser, { securityContext: { runAsUser: 4_294_967_296 } }],
    ['half a uid', 'no-root', runAsUser, { securityContext: { runAsUser: 0.5 } }],
    ['a uid as text', 'no-root', runAsUser, { securityContext: { runAsUser: '1000' } }],
    ['an image without a user', 'no-root', runAsUser, { facts: { user: '' } }],
    ['an image with user root', 'no-root', runAsUser, { facts: { user: 'root' } }],
    ['an image with a user by name', 'no-root', runAsUser, { facts: { user: 'app' } }],
    ['an image with uid 0 and a group', 'no-root', runAsUser, { facts: { user: '0:1000' } }],
    ['an image with a uid of zeros', 'no-root', runAsUser, { facts: { user: '000' } }],
    ['an image with a uid that wraps to 0', 'no-root', runAsUser, { facts: { user: '4294967296' } }],
    ['an image with an unknown user', 'no-root', runAsUser, { facts: { user: null } }],
    [
      'a privileged container',
      'no-privileged',
      ['containers[0].securityContext.privileged'],
      { securityContext: { privileged: true } },
    ],
    [
      'privilege escalation',
      'no-privileged',
      ['containers[0].securityContext.allowPrivilegeEscalation'],
      { securityContext: { allowPrivilegeEscalation: true } },
    ],
    ["the node's user namespace", 'no-privileged', ['hostUsers'], { pod: { hostUsers: true } }],
    ["the node's processes", 'node-namespaces', ['hostPID'], { pod: { hostPID: true } }],
    ["the node's shared memory", 'node-namespaces', ['hostIPC'], { pod: { hostIPC: true } }],
    [
      'no seccomp filter',
      'confinement',
      ['containers[0].securityContext.seccompProfile'],
      { securityContext: { seccompProfile: 'Unconfined' } },
    ],
    [
      'no AppArmor profile',
      'confinement',
      ['containers[0].securityContext.appArmorProfile'],
      { securityContext: { appArmorProfile: 'unconfined' } },
    ],
    [
      'all of /proc',
      'confinement',
      ['containers[0].securityContext.procMount'],
      { securityContext: { procMount: 'Unmasked' } },
    ],
    [
      'a kernel parameter that is not known to be safe',
      'confinement',
      ['securityContext.sysctls[0].name'],
      { pod: { sysctls: [{ name: 'net.core.somaxconn', value: '1' }] } },
    ],
    [
      'no memory limit',
      'resource-limits',
      ['containers[0].resources.limits.memory'],
      { limits: { memoryBytes: null } },
    ],
    ['no CPU limit', 'resource-limits', ['containers[0].resources.limits.cpu'], { limits: { cpuMillis: null } }],
    ['a limit of 0', 'resource-limits', ['containers[0].resources.limits.cpu'], { limits: { cpuMillis: 0 } }],
    [
      'a limit as text',
      'resource-limits',
      ['containers[0].resources.limits.memory'],
      { limits: { memoryBytes: '1Gi' } },
    ],
    [
      'no resources at all',
      'resource-limits',
      ['containers[0].resources.limits.cpu', 'containers[0].resources.limits.memory'],
      { container: { resources: {} } },
    ],
    ['an image by tag', 'image-digest', image, { container: { image: TAGGED }, input: factsFor(TAGGED, null) }],
    [
      'facts with a pin the tag lacks',
      'image-digest',
      image,
      { container: { image: TAGGED }, input: factsFor(TAGGED, DIGEST) },
    ],
    ['a pin that is no digest', 'image-digest', image, { facts: { pinnedDigest: 'sha256:abc' } }],
    ['no signer', 'image-signed', image, { facts: { signedBy: [] } }],
    ['a signer without a name', 'image-signed', image, { facts: { signedBy: [''] } }],
    ['signers that are no list', 'image-signed', image, { facts: { signedBy: 'release' } }],
    ['another input version', 'input-version', [''], { input: { version: 'holdfast.dev/v1' } }],
    ['no containers', 'input-shape', ['containers'], { pod: { containers: [] } }],
    ['containers that are no list', 'input-shape', ['containers'], { pod: { containers: { app: SOUND_CONTAINER } } }],
  ];
  test.each(unsound)('%s (%s)', async (_, rule, fields, changes) => {
    const verdict = await engine.evaluate(soundInput(changes), ORIGIN);
    if (verdict.decision !== 'deny') throw new Error(`expected a deny, got ${verdict.decision}`);
    const ofRule = verdict.findings.filter((finding) => finding.rule === rule);
    const paths = fields.map((field) => (field === '' ? ORIGIN.podPath : `${ORIGIN.podPath}.${field}`));
    expect(ofRule.map(({ path }) => path)).toEqual(paths);
    expect(new Set(ofRule.map(({ severity }) => severity))).toEqual(new Set(['deny']));
  });

  test('an image nothing is known of, for every rule that asks', async () => {
    const verdict = await engine.evaluate(soundInput({ input: { images: {} } }), ORIGIN);
    expect(rulesOf(verdict)).toEqual(['image-digest', 'image-signed', 'no-root']);
  });

  test('the container that is wrong, and not its neighbour', async () => {
    const side = {
      ...SOUND_CONTAINER,
      name: 'side',
      securityContext: { ...SOUND_CONTAINER.securityContext, runAsUser: 0 },
    };
    const verdict = await engine.evaluate(soundInput({ pod: { containers: [SOUND_CONTAINER, side] } }), ORIGIN);
    expect(verdict).toMatchObject({
      decision: 'deny',
      findings: [{ rule: 'no-root', path: `${ORIGIN.podPath}.containers[1].securityContext.runAsUser`, line: 11 }],
    });
  });
});

test('a finding names the line that was written, and what to do', async () => {
  const verdict = await engine.evaluate(soundInput({ securityContext: { privileged: true, runAsUser: 0 } }), ORIGIN);
  expect(verdict).toMatchObject({
    decision: 'deny',
    findings: [
      {
        policy: 'baseline',
        rule: 'no-root',
        file: 'shop/deployment.yaml',
        line: 15,
        column: 13,
        message: expect.stringContaining('Set securityContext.runAsUser'),
      },
      { policy: 'baseline', rule: 'no-privileged', line: 16, message: expect.stringContaining('"app"') },
    ],
  });
});

test('a field that was not written is found at the nearest line that was', async () => {
  const verdict = await engine.evaluate(soundInput({ limits: { memoryBytes: null } }), ORIGIN);
  expect(verdict).toMatchObject({
    findings: [{ line: 12, path: `${ORIGIN.podPath}.containers[0].resources.limits.memory` }],
  });
});

function factsFor(image: string, pinnedDigest: string | null): object {
  return { images: { [image]: { ...SOUND_FACTS, pinnedDigest }, [IMAGE]: SOUND_FACTS } };
}
