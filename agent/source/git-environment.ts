import type { GitSourceOptions } from './options.ts';

/** Proxies are a property of the machine and the only thing, beside PATH, git takes from the agent's environment. */
const INHERITED = [
  'PATH',
  'http_proxy',
  'https_proxy',
  'HTTPS_PROXY',
  'all_proxy',
  'ALL_PROXY',
  'no_proxy',
  'NO_PROXY',
];

/** The part of a Node environment that is set. */
export type Environment = Readonly<Record<string, string>>;

/**
 * The complete environment git runs in: no configuration of the system or of a user, no prompt, no agent, no hook.
 * Settings go through GIT_CONFIG_COUNT (git-config(1)), which wins over every file, the repository's own included.
 * @param home an otherwise empty directory, so that neither ~/.netrc nor ~/.gitconfig is found.
 */
export function gitEnvironment(options: GitSourceOptions, home: string): Environment {
  const inherited = INHERITED.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ...Object.fromEntries(inherited),
    HOME: home,
    LC_ALL: 'C',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_REPLACE_OBJECTS: '1',
    ...credentialEnvironment(options),
    ...configEnvironment(settings(options)),
  };
}

type Setting = readonly [key: string, value: string];

function settings(options: GitSourceOptions): readonly Setting[] {
  const { protocol } = new URL(options.url);
  return [
    ['core.hooksPath', '/dev/null'],
    ['core.fsync', 'all'],
    ['core.commitGraph', 'false'],
    ['core.bigFileThreshold', '1m'],
    ['gc.autoDetach', 'false'],
    ['maintenance.autoDetach', 'false'],
    ['transfer.fsckObjects', 'true'],
    // Always a pack, whose size is watched while it grows; never loose objects unpacked in memory.
    ['transfer.unpackLimit', '1'],
    ['protocol.allow', 'never'],
    [`protocol.${protocol.slice(0, -1)}.allow`, 'always'],
    ['http.followRedirects', 'false'],
    ['http.lowSpeedLimit', '100'],
    ['http.lowSpeedTime', '30'],
    ['gpg.minTrustLevel', 'fully'],
    ['gpg.ssh.allowedSignersFile', options.allowedSigners ?? '/dev/null'],
    ['gpg.x509.program', '/bin/false'],
    ...sshSettings(options),
    ...credentialSettings(options),
  ];
}

/** Only the configured key, only the configured host keys, nothing of the machine's or the user's ssh configuration. */
function sshSettings({ auth }: GitSourceOptions): readonly Setting[] {
  if (auth.sshKeyFile === undefined || auth.knownHostsFile === undefined) return [];
  const flags = [
    'BatchMode=yes',
    'ClearAllForwardings=yes',
    'ConnectTimeout=15',
    'GlobalKnownHostsFile=/dev/null',
    'IdentitiesOnly=yes',
    'IdentityAgent=none',
    'ServerAliveInterval=15',
    'StrictHostKeyChecking=yes',
    `UserKnownHostsFile=${auth.knownHostsFile}`,
  ];
  const words = ['ssh', '-F', '/dev/null', '-i', auth.sshKeyFile, ...flags.flatMap((flag) => ['-o', flag])];
  return [['core.sshCommand', words.map(shellQuote).join(' ')]];
}

/** Answers for the configured server only. The shell reads the token file itself, so no process has the token in its arguments. */
const CREDENTIAL_HELPER =
  '!f() { test "$1" = get || exit 0; ' +
  'printf "username=%s\\npassword=%s\\n" "$HOLDFAST_GIT_USERNAME" "$(cat -- "$HOLDFAST_GIT_TOKEN_FILE")"; }; f';

function credentialSettings({ url, auth }: GitSourceOptions): readonly Setting[] {
  return auth.tokenFile === undefined ? [] : [[`credential.${new URL(url).origin}.helper`, CREDENTIAL_HELPER]];
}

function credentialEnvironment({ auth }: GitSourceOptions): Environment {
  if (auth.tokenFile === undefined) return {};
  return { HOLDFAST_GIT_USERNAME: auth.username ?? 'git', HOLDFAST_GIT_TOKEN_FILE: auth.tokenFile };
}

function configEnvironment(pairs: readonly Setting[]): Environment {
  const variables = pairs.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${index}`, key],
    [`GIT_CONFIG_VALUE_${index}`, value],
  ]);
  return { GIT_CONFIG_COUNT: String(pairs.length), ...Object.fromEntries(variables) };
}

function shellQuote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
