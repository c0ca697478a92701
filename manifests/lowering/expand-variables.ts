import type { EnvVar } from '../environment.ts';

/**
 * Replaces `$(NAME)` by the variable's value, as Kubernetes defines it for env, command and args: a reference to a
 * variable that does not exist stays as written, and `$$` is a plain `$`, so that `$$(NAME)` is the text `$(NAME)`.
 */
export function expandVariables(text: string, variables: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$(?:\$|\(([^)]*)\))/g, (written, name: string | undefined) =>
    name === undefined ? '$' : (variables.get(name) ?? written),
  );
}

/** Expands each value with the variables before it; a later one is not known yet. None may come from elsewhere. */
export function expandEnv(env: readonly EnvVar[]): readonly EnvVar[] {
  const known = new Map<string, string>();
  return env.map((variable) => {
    const value = expandVariables(variable.value, known);
    known.set(variable.name, value);
    return { ...variable, value };
  });
}
