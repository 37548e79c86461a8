import { expect, test } from "@jest/globals";
import { ServerAdapter } from "../../database/document-server.ts";

/** Returns the filter of the update that an adapter sends to its collection. */
async function askedOf(query: object): Promise<object | undefined> {
	let asked: object | undefined;
	const adapter = Object.assign(Object.create(ServerAdapter.prototype) as ServerAdapter, {
		collection: {
			updateMany: async (given: object) => {
				asked = given;
				return { modifiedCount: 1 };
			},
		},
	});
	expect(await adapter.updateMany(query, { $inc: { stock: -1 } })).toBe(1);
	return asked;
}

test("a guard that no element of an array has a value leaves the id usable as an index", async () => {
	const query = {
		...{ _id: "tea", stock: { $gte: 1 } },
		$nor: [{ "holds.reservation_id": { $in: ["one", "two"] } }, { "holds.request_id": "three" }],
	};
	expect(await askedOf(query)).toEqual({
		...{ _id: "tea", stock: { $gte: 1 } },
		"holds.reservation_id": { $nin: ["one", "two"] },
		"holds.request_id": { $ne: "three" },
	});
});

test("other queries stay as they are", async () => {
	const query = { _id: "tea", $and: [{ "holds.reservation_id": "one" }, { "holds.reservation_id": "two" }] };
	expect(await askedOf(query)).toEqual(query);
});

/** Returns an adapter whose collection has these methods. */
function over(collection: object): ServerAdapter {
	return Object.assign(Object.create(ServerAdapter.prototype) as ServerAdapter, { collection });
}

test("documents that were inserted are returned, as the adapter promises", async () => {
	const [tea, coffee] = [{ _id: "tea" }, { _id: "coffee" }];
	const adapter = over({
		insertOne: async ({ _id }: typeof tea) => ({ acknowledged: true, insertedId: _id }),
		insertMany: async () => ({ acknowledged: true, insertedCount: 2, insertedIds: {} }),
	});
	expect(await adapter.insert(tea)).toEqual(tea);
	expect(await adapter.insertMany([tea, coffee])).toEqual([tea, coffee]);
});

test("an id is the text that it is stored as, also where it looks like an ObjectId", async () => {
	const _id = "018f3c9d2e1a0001deadbeef";
	const asked: unknown[] = [];
	const answer = async (...given: unknown[]) => {
		asked.push(given[0]);
		return { _id };
	};
	const adapter = over({ findOne: answer, findOneAndUpdate: answer, findOneAndDelete: answer });
	expect(await adapter.findById(_id)).toEqual({ _id });
	expect(await adapter.updateById(_id, { $set: { stock: 1 } })).toEqual({ _id });
	expect(await adapter.removeById(_id)).toEqual({ _id });
	expect(asked).toEqual([{ _id }, { _id }, { _id }]);
});
