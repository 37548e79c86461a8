import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import fc from "fast-check";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { asService } from "../../middlewares/permissions.ts";
import { openApiDocument } from "../../services/api/openapi.ts";
import { invalid, mostly, type Schema, valid } from "./arbitrary.ts";
import { eventually, newProduct, newUser, PASSWORD, type Person, SERVICES, startNode } from "./shop.ts";

interface Parameter {
	in: "path" | "query" | "header";
	name: string;
	required: boolean;
	schema: Schema;
}

interface Operation {
	operationId: string;
	parameters?: Parameter[];
	requestBody?: { required: boolean; content: { "application/json": { schema: Schema } } };
	responses: Record<string, { content?: Record<string, { schema: Schema }> }>;
}

const document = openApiDocument() as unknown as {
	paths: Record<string, Record<string, Operation>>;
	components: { schemas: Record<string, Schema> };
};
const { schemas } = document.components;
const operations = Object.entries(document.paths)
	.flatMap(([path, methods]) =>
		Object.entries(methods).map(([method, operation]) => [method.toUpperCase(), path, operation] as const),
	)
	// Deletes last, since other operations need the records.
	.sort(([one], [other]) => Number(one === "DELETE") - Number(other === "DELETE"));

/** Numbers of requests to each operation. */
const VALID_RUNS = 60;
const INVALID_RUNS = 12;
/** If no valid request succeeds, as many are sent again, altogether this often at most. */
const MAX_ROUNDS = 20;
/** Operations that few generated requests suit, or none, since they need a mail's token, a signature or a failed message. */
const RARELY_SUCCEED = new Set([
	...["usersRefresh", "usersResetPassword", "ordersTakePaymentEvent", "notificationsRetry"],
	...[
		"usersLogin",
		"usersChangePassword",
		"usersChangeEmail",
		"productsChangeStock",
		"notificationsRetryDeadLetter",
	],
	...["ordersCancel", "ordersPay", "ordersShip", "ordersComplete", "ordersRefund", "ordersAddRefund"],
	...["ordersInvoice", "ordersCreditNote", "ordersCreditNotes"],
]);
let shop: ServiceBroker;
let address: string;
/** Existing records by field, so that some requests find them. */
let known: Record<string, string[]>;
/** Operations that succeeded for some request. */
const done = new Set<string>();
const validators = new Map<Schema, ValidateFunction>();
const ajv = new Ajv2020({ strict: false, allErrors: true });
(formats as unknown as (ajv: Ajv2020) => void)(ajv);
ajv.addSchema({ $id: "api", components: document.components });

beforeAll(async () => {
	shop = await startNode(...SERVICES, "api");
	const { gatewayAddress } = await import("../../services/api/api.service.ts");
	address = gatewayAddress(shop.getLocalService("api"));
	const buyer = await newUser(shop);
	const { id: product_id } = await newProduct(shop, 1_000_000_000);
	const order = await buyer.call("v1.orders.place", { items: [{ product_id, quantity: 1 }] });
	const message = await eventually("a message", async () => {
		const {
			items: [found],
		} = await buyer.call("v1.notifications.list", {});
		return found?.id;
	});
	const group = { name: "Kaos", description: "", category: "kaos", options: ["ukuran"] };
	const { id: group_id } = await callAction(shop, "v1.products.createGroup", group, asService());
	known = { users: [String(buyer.id)], products: [product_id], orders: [order.id], notifications: [message] };
	known["product-groups"] = [group_id];
	const { code } = await callAction(
		shop,
		"v1.orders.addVoucher",
		{ code: "HEMAT", kind: "amount", value: 1 },
		asService(),
	);
	const method = {
		...{ code: "reguler", name: "JNE", zones: [{ country: "ID" }] },
		bands: [{ up_to_g: 1000, fee: 9000 }],
	};
	await callAction(shop, "v1.orders.addShippingMethod", method, asService());
	known.vouchers = [code];
	known["shipping-methods"] = [method.code];
});

afterAll(() => shop.stop());

const HOME = {
	...{ recipient: "Budi", phone: "+6281234567890", line1: "Jalan Braga 99", city: "Bandung" },
	...{ province: "Jawa Barat", postal_code: "40115", country: "ID" },
};

let people: { user: string; admin: string } | undefined;

/** Tokens of a user and an admin; new ones after a request has ended their sessions or revoked their roles. */
async function tokens(): Promise<{ user: string; admin: string }> {
	const roleOf = (token: string | undefined) =>
		callAction(shop, "v1.users.me", {}, { meta: { token } }).then(
			({ role }) => role,
			() => undefined,
		);
	const roles = [await roleOf(people?.user), await roleOf(people?.admin)];
	if (roles[0] !== "user" || roles[1] !== "admin") {
		const persons = [await newUser(shop), await newAdmin()] as const;
		known.addresses = await Promise.all(
			persons.map(async (person) => (await person.call("v1.users.addAddress", HOME)).id),
		);
		known.carts = await Promise.all(
			persons.map(async (person) => (await person.call("v1.orders.beginCart", {})).id),
		);
		people = { user: persons[0].token, admin: persons[1].token };
	}
	return people as { user: string; admin: string };
}

/** Creates another admin. */
async function newAdmin(): Promise<Person> {
	const person = await newUser(shop);
	await callAction(shop, "v1.users.makeAdmin", { email: person.email, password: PASSWORD });
	const login = { email: person.email, password: PASSWORD };
	const { access_token: token } = await callAction(shop, "v1.users.login", login);
	return { ...person, token, call: (name, params) => callAction(shop, name, params, { meta: { token } }) };
}

function matches(schema: Schema, value: unknown): string | undefined {
	const known = validators.get(schema);
	const validate =
		known ?? ajv.compile(JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components')));
	validators.set(schema, validate);
	return validate(value) ? undefined : ajv.errorsText(validate.errors);
}

interface Request {
	values: Record<string, unknown>;
	body: unknown;
}

/** Generates requests to an operation, valid for the document or with an error. */
function requests(
	path: string,
	{ parameters = [], requestBody }: Operation,
	isValid: boolean,
): fc.Arbitrary<Request> {
	const make = isValid ? valid : invalid;
	const fields = {
		product_id: known.products as string[],
		...{ phone: [HOME.phone], country: [HOME.country], postal_code: [HOME.postal_code] },
		...{ voucher_code: known.vouchers as string[], shipping_method: ["pickup"], kind: ["shipping"] },
	};
	const knowledge = { schemas, fields };
	const service = path.includes("/addresses/") ? "addresses" : (path.split("/")[3] ?? "");
	const values = Object.fromEntries(
		parameters.map(({ in: place, name, schema }) => {
			const made = make(schema, knowledge);
			const there = (fields as Record<string, string[]>)[name] ?? known[service];
			return [name, place === "path" && there ? fc.oneof(made, fc.constantFrom(...there)) : made];
		}),
	);
	if (isValid && values.cursor) {
		// Cursors cannot be generated.
		delete values.cursor;
	}
	const bodies = (schema: Schema) => {
		const made = make(schema, knowledge);
		return isValid
			? mostly(
					made.map((body) => withoutRare(schema, body)),
					made,
				)
			: made;
	};
	const needed = parameters.filter((one) => one.required || one.in === "path").map(({ name }) => name);
	const schema = requestBody?.content["application/json"].schema;
	return fc.record({
		values: fc.record(values, { requiredKeys: needed }),
		body: schema ? bodies(schema) : fc.constant(undefined),
	});
}

/** Optional fields that only few values suit, or only together with others. */
const RARE = [
	...["expected_total", "address", "address_id", "cart_id", "starts_at", "ends_at"],
	...["group_id", "options", "image_url", "image_urls"],
];

function withoutRare({ $ref, ...schema }: Schema, body: unknown): unknown {
	const { required = [] } = $ref ? (schemas[$ref.split("/").at(-1) as string] as Schema) : schema;
	return Object.fromEntries(
		Object.entries(body ?? {}).filter(([name]) => required.includes(name) || !RARE.includes(name)),
	);
}

async function send(method: string, path: string, operation: Operation, request: Request, token?: string) {
	const query = new URLSearchParams();
	const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
	let target = path;
	for (const { in: place, name } of operation.parameters ?? []) {
		const value = request.values[name];
		if (value === undefined) {
			continue;
		}
		const text = typeof value === "string" ? value : (JSON.stringify(value) ?? "");
		if (place === "path") {
			// An empty value or one of dots would change the path.
			target = target.replace(`{${name}}`, () =>
				encodeURIComponent(text.toWellFormed()).replace(/^\.*$/, "-"),
			);
		} else if (place === "query") {
			query.set(name, text.toWellFormed());
		} else if (/^[\x20-\x7e]+$/.test(text)) {
			headers[name] = text;
		}
	}
	const response = await fetch(`${address}${target}?${query}`, {
		method,
		headers: { ...headers, ...(request.body === undefined ? {} : { "content-type": "application/json" }) },
		...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
	});
	const text = await response.text();
	const [type] = (response.headers.get("content-type") ?? "").split(";");
	return { status: response.status, type: type as string, body: text === "" ? undefined : JSON.parse(text) };
}

/** Sends requests with different tokens, and compares each response with the document. */
async function check(method: string, path: string, operation: Operation, isValid: boolean): Promise<void> {
	const people = { nobody: undefined, ...(await tokens()) };
	await fc.assert(
		fc.asyncProperty(
			requests(path, operation, isValid),
			fc.constantFrom("nobody", "user", "admin"),
			async (request, who) => {
				const { status, type, body } = await send(method, path, operation, request, people[who]);
				expect({ status, body, isOurFault: status >= 500 }).toEqual({ status, body, isOurFault: false });
				if (status < 300) {
					done.add(operation.operationId);
				}
				const documented = operation.responses[status];
				const isDocumented = documented !== undefined;
				expect({ status, body, isDocumented }).toEqual({ status, body, isDocumented: true });
				const schema = documented?.content?.[type]?.schema;
				const hasSchema = schema !== undefined || body === undefined;
				expect({ status, type, body, hasSchema }).toEqual({ status, type, body, hasSchema: true });
				if (schema) {
					expect({ body, wrong: matches(schema, body) }).toEqual({ body, wrong: undefined });
				}
			},
		),
		{ numRuns: isValid ? VALID_RUNS : INVALID_RUNS, endOnFailure: true },
	);
}

describe.each(operations)("%s %s", (method, path, operation) => {
	test("is answered as the document says, for requests as the document asks for", async () => {
		const { operationId } = operation;
		const isEnough = () => done.has(operationId) || RARELY_SUCCEED.has(operationId);
		await check(method, path, operation, true);
		for (let rounds = 1; rounds < MAX_ROUNDS && !isEnough(); rounds++) {
			await check(method, path, operation, true);
		}
		expect({ operationId, hasSucceeded: isEnough() }).toEqual({ operationId, hasSucceeded: true });
	});

	test("is answered as the document says, for requests with something wrong", () =>
		check(method, path, operation, false));
});
