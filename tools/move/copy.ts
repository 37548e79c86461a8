import type { DocumentAdapter } from "../../database/document-store.ts";
import { isDuplicate } from "../../mixins/documents.ts";
import type { Side } from "./sides.ts";
import { canonical } from "./summary.ts";

interface Identified {
	_id: string;
}

/**
 * Makes the documents of the target equal to those of the source. Identical documents stay, so a repetition resumes an
 * interrupted copy. No other process may change either store meanwhile.
 */
export async function copyDocuments(source: Side, target: Side, copied: (documents: number) => void) {
	await copyCollection(source.products, target.products, copied);
	await copyCollection(source.pages, target.pages, copied);
	await copyCollection(source.groups, target.groups, copied);
}

async function copyCollection<D extends Identified>(
	source: DocumentAdapter<D>,
	target: DocumentAdapter<D>,
	copied: (documents: number) => void,
): Promise<void> {
	// First documents that are not copies, since another product may have their sku or options now.
	for await (const copies of target.inBatches({})) {
		const originals = await findThese(source, copies as D[]);
		const different = copies.filter(({ _id }, place) => {
			const original = originals.get(_id);
			return !original || canonical(original) !== canonical(copies[place] as D);
		});
		if (different.length > 0) {
			await target.removeMany({ _id: { $in: different.map(({ _id }) => _id) } });
		}
	}
	for await (const documents of source.inBatches({})) {
		await insertMissing(target, documents as D[]);
		copied(documents.length);
	}
}

async function insertMissing<D extends Identified>(target: DocumentAdapter<D>, documents: D[]) {
	for (let before = Number.POSITIVE_INFINITY; ; ) {
		const there = await findThese(target, documents);
		const missing = documents.filter(({ _id }) => !there.has(_id));
		if (missing.length === 0) {
			return;
		}
		try {
			await target.insertMany(missing);
			return;
		} catch (error) {
			// The driver repeats an insert whose answer was lost. Then each round finds more of the documents there.
			if (!isDuplicate(error) || missing.length >= before) {
				throw error;
			}
			before = missing.length;
		}
	}
}

async function findThese<D extends Identified>(
	adapter: DocumentAdapter<D>,
	documents: Identified[],
): Promise<Map<string, D>> {
	const found = await adapter.find({ query: { _id: { $in: documents.map(({ _id }) => _id) } } });
	return new Map((found as D[]).map((document) => [document._id, document]));
}
