import type { EnvVar } from '../workload.ts';

/**
 * Replaces `$(NAME)` by the variable's value, as Kubernetes defines it for env, command and args: a reference to a
 * variable that does not exist stays as written, and `$$` is a plain `$`, so that `$$(NAME)` is the text `$(NAME)`.
 */
export function expandVariables(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$(?:\$|\(([^)]*)\))/g, (written, name: string | undefined) =>
    name === undefined ? '$' : (variables.get(name) ?? written),
  );
}

/** Expands each value with the variables before it; a later one is not known yet. */
export function expandEnv(env: readonly EnvVar[]): readonly EnvVar[] {
  const known = new Map<string, string>();
  return env.map(({ name, value }) => {
    const expanded = expandVariables(value, known);
    known.set(name, expanded);
    return { name, value: expanded };
  });
}
