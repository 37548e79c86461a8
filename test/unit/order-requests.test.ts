import { createHash } from "node:crypto";
import { describe, expect, test } from "@jest/globals";
import { orders } from "../../contracts/orders.ts";
import { keyedRequest } from "../../services/orders/idempotency.ts";

const ITEMS = [{ product_id: "01a20af7e8d300020f7306eb", quantity: 2 }];

/** Returns the hash of a request under a key, as services/orders/place.ts makes it. */
function hashOf(request: object): string {
	const { idempotency_key, ...body } = orders.actions.place.params.parse({
		...request,
		idempotency_key: "k",
	});
	return keyedRequest(7, idempotency_key as string, body).hash.toString("hex");
}

describe("the hash of a request", () => {
	test.each([
		[{ items: ITEMS }],
		[{ items: ITEMS, note: "Tolong dibungkus" }],
		[{ items: ITEMS, shipping_address: "Jalan Melati 5", note: "Pagi" }],
	])("of the version before is the same, so its keys stay valid: %j", (body) => {
		expect(hashOf(body)).toBe(createHash("sha256").update(JSON.stringify(body)).digest("hex"));
	});

	test("depends on each new field", () => {
		const address = {
			...{ recipient: "Budi", phone: "+6281234567890", line1: "Jalan Braga 99", city: "Bandung" },
			...{ province: "Jawa Barat", postal_code: "40115" },
		};
		const bodies = [
			{},
			{ shipping_method: "reguler" },
			{ address },
			{ address: { ...address, postal_code: "40116" } },
			{ address_id: "a" },
			{ expected_total: 1 },
		];
		expect(new Set(bodies.map((body) => hashOf({ items: ITEMS, ...body }))).size).toBe(bodies.length);
	});
});
