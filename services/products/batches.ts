import type { DocumentAdapter } from "../../mixins/documents.ts";

const AT_ONCE = 100;

/** All documents that match, some at a time, in the order of their ids. */
export async function* inBatches<D extends { _id: string }, F extends keyof D & string>(
	store: DocumentAdapter<D>,
	query: object,
	fields?: readonly F[],
): AsyncGenerator<Pick<D, F | "_id">[]> {
	for (let after = ""; ; ) {
		const found = await store.find<F>({
			...{ query: { ...query, _id: { $gt: after } }, sort: ["_id"], limit: AT_ONCE },
			...(fields ? { fields } : {}),
		});
		if (found.length > 0) {
			yield found;
		}
		if (found.length < AT_ONCE) {
			return;
		}
		after = found.at(-1)?._id as string;
	}
}
