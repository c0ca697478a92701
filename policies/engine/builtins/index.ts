import type { Builtins } from './builtin.ts';
import { CRYPTO } from './crypto.ts';
import { ENCODING } from './encoding.ts';
import { JWT } from './jwt.ts';
import { NET } from './net.ts';
import { NUMBERS } from './numbers.ts';
import { OBJECTS } from './objects.ts';
import { REGEX } from './regex.ts';
import { SEMVER } from './semver.ts';
import { STRINGS } from './strings.ts';
import { TIME } from './time/time.ts';
import { UNITS } from './units.ts';

export type { Builtin, Builtins } from './builtin.ts';

/**
 * Every builtin of Rego that a WebAssembly module leaves to its host and that the engine has. Not among them, for a
 * verdict must follow from the input alone: `http.send`, `opa.runtime`, `net.lookup_ip_addr`, `time.now_ns`, `rand.intn`,
 * `uuid.rfc4122` and signing; nor what no policy was seen to use: GraphQL, JSON Schema, certificates, Go templates.
 */
export const BUILTINS: Builtins = {
  ...CRYPTO,
  ...ENCODING,
  ...JWT,
  ...NET,
  ...NUMBERS,
  ...OBJECTS,
  ...REGEX,
  ...SEMVER,
  ...STRINGS,
  ...TIME,
  ...UNITS,
};
