import type { Service } from "moleculer";
import { isMissing } from "../../broker/abilities.ts";

// Abilities of a products process, in its service's metadata. During a rolling update, processes of earlier versions
// run too.

/** The process records each change of `supplied` in the product's ledger. */
export const KEEPS_LEDGERS = "keeps_ledgers";
/** The process looks for holds in pages. */
export const KEEPS_PAGES = "keeps_pages";

/** Tells whether there is a process without this ability. */
export function hasEarlier({ name, version, broker }: Service, ability: string): boolean {
	return isMissing(broker, { name, version }, ability);
}
