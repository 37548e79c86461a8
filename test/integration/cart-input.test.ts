import { randomBytes } from "node:crypto";
import { request as httpRequest } from "node:http";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { by, type Cart, carts } from "./carts.ts";
import { newProduct, newUser, type Person, startNode } from "./shop.ts";

let shop: ServiceBroker;
let address: string;
let budi: Person;
let cart: Cart;
let product: { id: string };
/** The cart as it has to stay. */
let before: unknown;

beforeAll(async () => {
	shop = await startNode("users", "products", "orders", "api");
	const { gatewayAddress } = await import("../../services/api/api.service.ts");
	address = gatewayAddress(shop.getLocalService("api"));
	[budi, product, cart] = [await newUser(shop), await newProduct(shop, 50), await newCart()];
	before = (await put(cart, product, 2)).body;
});

afterAll(async () => {
	await shop.stop();
});

const { call, newCart, post, put, read } = carts(() => address);

/** Requests for the cart of this id, by its addresses and in a body. */
function requests(id: string, headers: Record<string, string>) {
	const path = `/carts/${encodeURIComponent(id)}`;
	return [
		() => call("GET", path, undefined, undefined, headers),
		() => call("PUT", `${path}/items/${product.id}`, undefined, { quantity: 9 }, headers),
		() => call("POST", `${path}/merge`, budi, {}, headers),
		() => post("/orders", budi, { cart_id: id }, headers),
		() => post("/orders/quote", undefined, { cart_id: id }, headers),
	];
}

async function expectUnchanged(): Promise<void> {
	expect((await read(cart)).body).toEqual(before);
}

/** Text that a header may have. */
const header = fc.string({
	unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)),
});

test("any token but its own finds no cart", async () => {
	const near = fc
		.tuple(
			fc.nat({ max: 42 }),
			header.filter((text) => text.length === 1),
		)
		.map(([place, other]) => cart.token.slice(0, place) + other + cart.token.slice(place + 1));
	const tokens = fc.oneof(
		header,
		near,
		fc.constantFrom(cart.id, `${cart.token}=`, ` ${cart.token}x`, `${cart.token},${cart.token}`, "null"),
		fc.nat({ max: 12_000 }).map((length) => "a".repeat(length)),
		fc.constant(0).map(() => randomBytes(32).toString("base64url")),
	);
	await fc.assert(
		fc.asyncProperty(
			tokens.filter((token) => token.trim() !== cart.token),
			fc.nat({ max: 4 }),
			async (token, place) => {
				const answer = await requests(cart.id, { "cart-token": token })[place]?.();
				expect(answer).toMatchObject({ status: 404, body: { code: "CART_NOT_FOUND" } });
			},
		),
		{ numRuns: 100, endOnFailure: true },
	);
	await expectUnchanged();
});

test("a token of megabytes is refused by the gateway, and by the action finds no cart", async () => {
	const { hostname, port } = new URL(address);
	const status = await new Promise((resolve, reject) => {
		const headers = { "cart-token": "a".repeat(2_000_000) };
		const sent = httpRequest({ hostname, port, path: `/api/v1/carts/${cart.id}`, headers }, (response) => {
			response.resume();
			resolve(response.statusCode);
		});
		sent.on("error", reject);
		sent.end();
	});
	expect(status).toBe(431);
	await expect(
		callAction(shop, "v1.orders.cart", { id: cart.id, cart_token: "a".repeat(2_000_000) }),
	).rejects.toMatchObject({ type: "CART_NOT_FOUND" });
	await expectUnchanged();
});

test("an id with any characters finds no cart, and is no fault of the shop", async () => {
	const ids = fc.oneof(
		fc.string({ unit: "grapheme", minLength: 1, maxLength: 80 }),
		fc.string({ unit: "binary", minLength: 1, maxLength: 80 }),
		fc.uuid(),
		fc.constantFrom(
			`${cart.id} `,
			`{${cart.id}}`,
			cart.id.replaceAll("-", ""),
			"' OR 1=1 --",
			"\u0000",
			"%00",
			"items",
		),
	);
	await fc.assert(
		fc.asyncProperty(
			// An address of dots is another address.
			ids.filter((id) => id.isWellFormed() && !/^\.*$/.test(id) && id !== cart.id),
			fc.nat({ max: 4 }),
			async (id, place) => {
				const answer = await requests(id, by(cart))[place]?.();
				const expected = ["CART_NOT_FOUND", "NOT_FOUND", "VALIDATION_FAILED", "MALFORMED_PATH"];
				expect(answer).toMatchObject({
					body: { code: expect.stringMatching(new RegExp(`^(${expected.join("|")})$`)) },
				});
				expect([404, 422, 400]).toContain(answer?.status);
			},
		),
		{ numRuns: 100, endOnFailure: true },
	);
	await expectUnchanged();
});

test("a quantity that is no whole number from 0 to 10,000 is refused, and changes nothing", async () => {
	const quantities = fc.oneof(
		fc.constantFrom<unknown>(-1, 1.5, 10_001, "2", "", null, true, [2], { $gt: 0 }, undefined),
		fc.integer({ min: 10_001 }),
		fc.integer({ max: -1 }),
		fc.double({ noNaN: true, noDefaultInfinity: true }).filter((number) => !Number.isInteger(number)),
		fc.jsonValue().filter((value) => typeof value !== "number"),
	);
	await fc.assert(
		fc.asyncProperty(quantities, async (quantity) => {
			const answer = await put(cart, product, quantity);
			expect(answer).toMatchObject({ status: 422, body: { code: "VALIDATION_FAILED" } });
			expect(answer.body.errors[0].path).toMatch(/^quantity/);
		}),
		{ numRuns: 100, endOnFailure: true },
	);
	await expectUnchanged();
});

test("a body with an unknown field, or with what a header has to carry, is refused", async () => {
	for (const more of [
		{ price: 1 },
		{ cart_token: cart.token },
		{ id: cart.id },
		{ product_id: product.id },
	]) {
		const answer = await call(
			"PUT",
			`/carts/${cart.id}/items/${product.id}`,
			undefined,
			{ quantity: 1, ...more },
			by(cart),
		);
		expect(answer).toMatchObject({ status: 422, body: { code: "VALIDATION_FAILED" } });
	}
	expect(await post("/carts", undefined, { user_id: 1 })).toMatchObject({ status: 422 });
	await expectUnchanged();
});
