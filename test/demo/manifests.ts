/** What the demo commits, as a person would write it. */
export interface WebOptions {
  readonly image: string;
  readonly replicas?: number;
  /** Lines of the container's securityContext. */
  readonly security?: string;
  /** Lines of the container's resources; null leaves them out. */
  readonly resources?: string | null;
}

const RESOURCES = 'limits: { cpu: 250m, memory: 64Mi }';

/** @returns `web.yaml`: a Deployment of the demo's application. */
export function webManifest({
  image,
  replicas = 2,
  security = 'readOnlyRootFilesystem: true',
  resources = RESOURCES,
}: WebOptions): string {
  return `apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: ${replicas}
  selector:
    matchLabels: { app: web }
  template:
    metadata:
      labels: { app: web }
    spec:
      terminationGracePeriodSeconds: 2
      containers:
        - name: app
          image: ${image}
          securityContext:
            ${security}
${resources === null ? '' : `          resources:\n            ${resources}\n`}`;
}

/** @returns `sensor.yaml`: a Pod of two containers that share a volume, which an init container prepares. */
export function sensorManifest(image: string): string {
  return `apiVersion: v1
kind: Pod
metadata:
  name: sensor
spec:
  terminationGracePeriodSeconds: 2
  volumes:
    - name: readings
      emptyDir: {}
  initContainers:
    - name: prepare
      image: ${image}
      command: [/bin/sh, -c, 'echo readings of this node > /readings/log']
      resources: { limits: { cpu: 100m, memory: 32Mi } }
      volumeMounts: [{ name: readings, mountPath: /readings }]
  containers:
    - name: writer
      image: ${image}
      command: [/bin/sh, -c]
      args: ['while true; do date >> /readings/log; sleep 1; done']
      resources: { limits: { cpu: 100m, memory: 32Mi } }
      volumeMounts: [{ name: readings, mountPath: /readings }]
    - name: reader
      image: ${image}
      command: [/bin/sh, -c]
      args: ['until [ -f /readings/log ]; do sleep 1; done; exec tail -f /readings/log']
      resources: { limits: { cpu: 100m, memory: 32Mi } }
      volumeMounts: [{ name: readings, mountPath: /readings, readOnly: true }]
`;
}
