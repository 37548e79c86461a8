import { createHash } from "node:crypto";
import type { DocumentAdapter } from "../../database/document-store.ts";
import type { LedgerEntry, ProductDocument } from "./documents.ts";

/** Fields of a product that account for its units. */
export type Books = Pick<ProductDocument, "supplied" | "ledger" | "ledger_sums">;

type Store = DocumentAdapter<ProductDocument>;

/**
 * Minimum age of entries to be folded: the lifetime of an `Idempotency-Key`, during which a request may be repeated.
 */
const FOLD_AFTER_MS = 24 * 60 * 60_000;
const BATCH = 500;

/**
 * Changes the stock and `supplied` of a product and adds the entry, in one guarded update. Idempotent: if the entry
 * exists, nothing changes.
 *
 * @param id Id of the entry: the same for each repetition of the same request.
 * @param guard Additional condition on the product.
 * @returns True if the stock was changed.
 */
export async function supply(
	store: Store,
	_id: string,
	id: string,
	entry: LedgerEntry,
	guard: object = {},
	set: object = {},
): Promise<boolean> {
	const { quantity } = entry;
	const query = { _id, ledger_sums: { $exists: true }, [`ledger.${id}`]: { $exists: false }, ...guard };
	const update = {
		$inc: { stock: quantity, supplied: quantity },
		$set: { [`ledger.${id}`]: entry, ...set },
	};
	const changed = await store.updateMany(query, update);
	if (changed > 0) {
		return true;
	}
	const [unopened] = await store.find({ query: { _id, ledger_sums: { $exists: false } } });
	if (!unopened) {
		return false;
	}
	await open(store, unopened);
	return supply(store, _id, id, entry, guard, set);
}

/** Opens the ledgers of products of an earlier version, with all their units as `earlier`. */
export async function openLedgers(store: Store): Promise<void> {
	for (;;) {
		const found = await store.find({ query: { ledger_sums: { $exists: false } }, limit: BATCH });
		if (found.length === 0) {
			return;
		}
		for (const document of found) {
			await open(store, document);
		}
	}
}

/** Opens a ledger, unless another process has changed the product meanwhile: then it is found again. */
async function open(store: Store, { _id, supplied }: ProductDocument): Promise<void> {
	await store.updateMany(
		{ _id, supplied, ledger_sums: { $exists: false } },
		{ $set: { ledger_sums: { earlier: supplied } } },
	);
}

/** Returns the units that the ledger accounts for, which always equal those supplied. */
export function accounted({ ledger = {}, ledger_sums = {} }: Books): number {
	return [...Object.values(ledger_sums), ...Object.values(ledger).map(({ quantity }) => quantity)].reduce(
		(sum, quantity) => sum + quantity,
		0,
	);
}

/**
 * Books units as `earlier` that a process of an earlier version has supplied without an entry. Concurrent updates of
 * this version do not affect the difference.
 *
 * @returns Number of booked units.
 */
export async function bookEarlier(store: Store, document: ProductDocument): Promise<number> {
	const { _id, supplied, ledger_sums } = document;
	const missing = supplied - accounted(document);
	if (ledger_sums === undefined || missing === 0) {
		return 0;
	}
	const changed = await store.updateMany(
		{ _id, supplied, "ledger_sums.earlier": ledger_sums.earlier ?? { $exists: false } },
		{ $inc: { "ledger_sums.earlier": missing } },
	);
	return changed > 0 ? missing : 0;
}

/**
 * Balances the ledger of a product by an entry for the difference. The same difference is booked once, even by
 * concurrent calls.
 *
 * @returns Number of booked units.
 */
export async function bookRepair(store: Store, document: ProductDocument, by: string): Promise<number> {
	const { _id, supplied } = document;
	const total = accounted(document);
	if (document.ledger_sums === undefined || supplied === total) {
		return 0;
	}
	const id = createHash("sha256").update(`repair ${supplied} ${total}`).digest("base64url").slice(0, 22);
	const entry: LedgerEntry = {
		...{ reason: "repair", quantity: supplied - total, at: new Date().toISOString(), by },
	};
	const changed = await store.updateMany(
		{ _id, supplied, [`ledger.${id}`]: { $exists: false } },
		{ $set: { [`ledger.${id}`]: entry } },
	);
	return changed > 0 ? entry.quantity : 0;
}

/** Returns the ids of entries, and of restocks recorded by an earlier version, that are old enough to be folded. */
export function oldEntries({ ledger = {}, restocks = {} }: ProductDocument, now: number) {
	const before = new Date(now - FOLD_AFTER_MS).toISOString();
	const old = { restocks: new Set<string>(), others: [] as string[] };
	for (const [id, { reason, at }] of Object.entries(ledger)) {
		if (at < before && reason === "restock") {
			old.restocks.add(id);
		} else if (at < before) {
			old.others.push(id);
		}
	}
	for (const [order_id, at] of Object.entries(restocks)) {
		if (at < before) {
			old.restocks.add(order_id);
		}
	}
	return old;
}

/** Folds entries that no request can repeat any more into the sums. */
export async function foldEntries(store: Store, document: ProductDocument, ids: string[]): Promise<void> {
	const entries = ids.flatMap((id) => {
		const entry = document.ledger?.[id];
		return entry ? [{ id, ...entry }] : [];
	});
	const $inc: Record<string, number> = {};
	for (const { reason, quantity } of entries) {
		const sum = `ledger_sums.${reason}`;
		$inc[sum] = ($inc[sum] ?? 0) + quantity;
	}
	const $unset = Object.fromEntries(
		ids.flatMap((id) => [`ledger.${id}`, `restocks.${id}`].map((path) => [path, true])),
	);
	// If several processes fold the same entries, only one finds them.
	const areThere = Object.fromEntries(entries.map(({ id }) => [`ledger.${id}`, { $exists: true }]));
	await store.updateMany(
		{ _id: document._id, ...areThere },
		{ $unset, ...(entries.length > 0 ? { $inc } : {}) },
	);
}
