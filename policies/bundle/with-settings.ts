import { canonicalJson } from '../../manifests/index.ts';
import type { Bundle } from './bundle.ts';
import { sha256 } from './digest.ts';

/** What packs are told, by the name of the pack; its rules say what they understand. */
export type PackSettings = Readonly<Record<string, unknown>>;

/** @returns a bundle whose `data.settings` has these, pack by pack in place of its own; unchanged when there are none. */
export function withSettings(bundle: Bundle, settings: PackSettings): Bundle {
  if (Object.keys(settings).length === 0) return bundle;
  const data: { readonly settings?: object } = JSON.parse(bundle.data);
  return {
    ...bundle,
    revision: sha256(`${bundle.revision}\n${canonicalJson(settings)}`),
    data: JSON.stringify({ ...data, settings: { ...data.settings, ...settings } }),
  };
}
