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
