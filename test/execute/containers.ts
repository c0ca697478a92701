import type { ImageConfig } from '../../agent/images/image-source.ts';
import { type Container, type PodTemplate, parseManifests } from '../../manifests/index.ts';

/** @returns a pod of one container; each text is YAML below the metadata, the spec or the container. */
export function podOf({
  metadata = '',
  spec = '',
  container = '',
}: {
  readonly metadata?: string;
  readonly spec?: string;
  readonly container?: string;
}): PodTemplate {
  const indent = (text: string, by: string): string =>
    text
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => `${by}${line}\n`)
      .join('');
  const text = `apiVersion: v1
kind: Pod
metadata:
  name: web
${indent(metadata, '  ')}spec:
${indent(spec, '  ')}  containers:
    - name: app
      image: reg.test/app:1
${indent(container, '      ')}`;
  const { workloads, problems } = parseManifests([{ path: 'web.yaml', text }]);
  const [located] = workloads;
  if (problems.length > 0 || located === undefined) throw new Error(JSON.stringify(problems));
  return located.workload.pod;
}

/** @returns the container of {@link podOf}. */
export function containerOf(container = ''): Container {
  const [found] = podOf({ container }).containers;
  if (found === undefined) throw new Error('no container');
  return found;
}

/** @returns an image's configuration that says nothing but this. */
export function imageOf(config: Partial<ImageConfig> = {}): ImageConfig {
  return { entrypoint: [], cmd: [], env: [], workingDir: '', user: '', stopSignal: '', ...config };
}
