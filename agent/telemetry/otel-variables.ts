/**
 * Runs `start` as if no `OTEL_*` variable were set: the SDK and its exporters read them when they are made, and the agent
 * takes its settings, the receiver and its secrets above all, from its configuration only.
 */
export function withoutOtelVariables<Result>(start: () => Result): Result {
  const variables = Object.entries(process.env).filter(([name]) => name.startsWith('OTEL_'));
  for (const [name] of variables) delete process.env[name];
  try {
    return start();
  } finally {
    Object.assign(process.env, Object.fromEntries(variables));
  }
}
