/** What a manifest of the tests may vary in. */
export interface PodOptions {
  readonly name?: string;
  readonly image?: string;
  readonly replicas?: number;
  readonly memory?: string;
  /** More entries of the resource limits. */
  readonly limits?: string;
  /** Entries of the pod's annotations. */
  readonly annotations?: string;
  readonly strategy?: 'RollingUpdate' | 'Recreate';
  /** Of a rolling update. */
  readonly maxSurge?: number;
  readonly restartPolicy?: 'Always' | 'OnFailure' | 'Never';
  readonly containers?: readonly string[];
  readonly grace?: number;
  /** Of the node, which leads to port 8080 of each container. */
  readonly hostPort?: number;
}

/** @returns a Deployment as YAML. */
export function deployment(options: PodOptions = {}): string {
  const { name = 'web', replicas = 1, strategy = 'RollingUpdate', maxSurge } = options;
  const rolling = maxSurge === undefined ? '' : `, rollingUpdate: { maxSurge: ${maxSurge}, maxUnavailable: 1 }`;
  return `apiVersion: apps/v1
kind: Deployment
metadata: { name: ${name} }
spec:
  replicas: ${replicas}
  strategy: { type: ${strategy}${rolling} }
  selector: { matchLabels: { app: ${name} } }
  template:
    metadata: { labels: { app: ${name} }, annotations: { ${options.annotations ?? ''} } }
    spec:
${podSpec(options, '      ')}
`;
}

/** @returns a Pod as YAML. */
export function pod(options: PodOptions = {}): string {
  return `apiVersion: v1
kind: Pod
metadata: { name: ${options.name ?? 'job'} }
spec:
  restartPolicy: ${options.restartPolicy ?? 'Always'}
${podSpec(options, '  ')}
`;
}

function podSpec(
  { image = 'reg.test/app:1', memory = '64Mi', limits = '', containers = ['app'], grace = 30, hostPort }: PodOptions,
  indent: string,
): string {
  const ports = hostPort === undefined ? '' : `, ports: [{ containerPort: 8080, hostPort: ${hostPort} }]`;
  const list = containers.map(
    (name) =>
      `${indent}  - { name: ${name}, image: '${image}', resources: { limits: { cpu: 100m, memory: ${memory}, ${limits} } }${ports} }`,
  );
  return [`${indent}terminationGracePeriodSeconds: ${grace}`, `${indent}containers:`, ...list].join('\n');
}

/** @returns several documents as one YAML text. */
export function documents(...texts: readonly string[]): string {
  return texts.join('---\n');
}

/** @returns a Service of the pods of a Deployment, a policy that guards them, and their network, as YAML. */
export function networkRules(
  app: string,
  { from, isOutbound = true }: { readonly from: string; readonly isOutbound?: boolean },
): string {
  return documents(
    `apiVersion: v1
kind: Service
metadata: { name: ${app} }
spec: { selector: { app: ${app} }, ports: [{ port: 80, targetPort: 8080 }] }
`,
    `apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: ${app} }
spec: { podSelector: { matchLabels: { app: ${app} } }, ingress: [{ from: [{ podSelector: { matchLabels: { app: ${from} } } }] }] }
`,
    `apiVersion: holdfast.dev/v1alpha1
kind: Network
metadata: { name: default }
spec: { outbound: ${isOutbound} }
`,
  );
}
