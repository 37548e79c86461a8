import type { Service } from "moleculer";

// What a products process can do, in its service's metadata: processes of earlier versions run beside for a while.

/** It notes each change of `supplied` in the product's ledger. */
export const KEEPS_LEDGERS = "keeps_ledgers";
/** It looks for holds in pages. */
export const KEEPS_PAGES = "keeps_pages";

/** Whether a process is there that cannot do this. */
export function hasEarlier({ name, version, broker }: Service, ability: string): boolean {
	return broker.registry
		.getServiceList({ onlyAvailable: true })
		.some(
			(other: { name: string; version: unknown; metadata?: Record<string, unknown> }) =>
				other.name === name && other.version === version && !other.metadata?.[ability],
		);
}
