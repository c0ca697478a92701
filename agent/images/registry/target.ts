/** Where an image is: a repository of a registry, and the reference that led there, for messages. */
export interface RegistryTarget {
  /** As the manifest has it. */
  readonly reference: string;
  /** `host` or `host:port`. */
  readonly registry: string;
  readonly repository: string;
}
