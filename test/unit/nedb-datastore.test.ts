import { expect, test } from "@jest/globals";
import nedb from "@seald-io/nedb";
import fc from "fast-check";
import { Datastore } from "../../database/nedb-datastore.ts";

interface Shelf {
	_id: string;
	sku?: string;
	group_id?: string | null;
	holds: { id: string }[];
}

const INDEXES = [
	{ fieldName: "sku", unique: true, sparse: true },
	{ fieldName: "group_id", unique: false, sparse: true },
	{ fieldName: "aisle", unique: false, sparse: false },
	{ fieldName: "holds.id", unique: false, sparse: true },
];

async function open(Kind: typeof Datastore) {
	const store = new Kind({ inMemoryOnly: true });
	for (const index of INDEXES) {
		await store.ensureIndex(index);
	}
	return store;
}

/** Returns the ids under each key of each index, in the order of the keys. */
function contents(store: Datastore) {
	return Object.entries(store.indexes).map(([field, { tree }]) => {
		const keys: [unknown, string[]][] = [];
		(tree as unknown as Tree).executeOnEveryNode(({ key, data }) =>
			keys.push([key, data.map(({ _id }) => _id).sort()]),
		);
		return [field, keys.filter(([, ids]) => ids.length > 0)];
	});
}

interface Tree {
	executeOnEveryNode(visit: (node: { key: unknown; data: Shelf[] }) => void): void;
	checkIsAVLT(): void;
}

const few = (prefix: string) => fc.integer({ min: 0, max: 4 }).map((number) => `${prefix}${number}`);
const optional = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined });
const shelf = fc
	.record({
		_id: few("p"),
		sku: optional(few("s")),
		group_id: fc.oneof(few("g"), fc.constantFrom(null, undefined)),
		holds: fc.array(fc.record({ id: few("h") }), { maxLength: 5 }),
	})
	.map((fields) => withoutUndefined(fields) as unknown as Shelf);
const change = fc.oneof(
	fc.record({ $push: fc.record({ holds: fc.record({ id: few("h") }) }) }),
	fc.record({ $pull: fc.record({ holds: fc.record({ id: few("h") }) }) }),
	fc.record({ $set: fc.record({ sku: few("s") }) }),
	fc.record({
		$set: fc.record({ group_id: fc.oneof(few("g"), fc.constant(null)), aisle: few("a") }),
	}),
	fc.record({ $unset: fc.record({ group_id: fc.constant(true) }) }),
	fc.record({ $unset: fc.record({ sku: fc.constant(true) }) }),
);
const chosen = fc.oneof(
	fc.record({ _id: few("p") }),
	fc.record({ "holds.id": few("h") }),
	fc.record({ group_id: few("g") }),
	fc.constant({}),
);
const step = fc.oneof(
	shelf.map((document) => (store: Datastore) => store.insertAsync(document)),
	fc.tuple(chosen, change).map(
		([query, update]) =>
			(store: Datastore) =>
				store.updateAsync(query, update, { multi: true }),
	),
	chosen.map((query) => (store: Datastore) => store.removeAsync(query, { multi: true })),
);

function withoutUndefined(fields: object): object {
	return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

test("its indexes have the same keys and documents as NeDB's own, whatever is changed or refused", async () => {
	let refused = 0;
	await fc.assert(
		fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
			const own = await open(Datastore);
			const original = await open(nedb as unknown as typeof Datastore);
			for (const act of steps) {
				const [one, other] = await Promise.allSettled([act(own), act(original)]);
				expect(one).toEqual(other);
				refused += one.status === "rejected" ? 1 : 0;
				expect(contents(own)).toEqual(contents(original));
			}
			for (const { tree } of Object.values(own.indexes)) {
				(tree as unknown as Tree).checkIsAVLT();
			}
			for (const document of own.getAllData() as Shelf[]) {
				for (const { id } of document.holds) {
					expect(own.indexes["holds.id"]?.tree.search(id)).toContain(document);
				}
			}
		}),
		{ numRuns: 300 },
	);
	expect(refused).toBeGreaterThan(0);
});
