import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import fc from "fast-check";
import type { ServiceBroker } from "moleculer";
import { callAction } from "../../contracts/actions.ts";
import { openApiDocument } from "../../services/api/openapi.ts";
import { invalid, type Schema, valid } from "./arbitrary.ts";
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

/** Numbers of runs, enough for each operation to succeed for some requests. */
const VALID_RUNS = 60;
const INVALID_RUNS = 25;
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
	known = { users: [String(buyer.id)], products: [product_id], orders: [order.id], notifications: [message] };
});

afterAll(() => shop.stop());

/** Creates another admin. */
async function newAdmin(): Promise<Person> {
	const person = await newUser(shop);
	await callAction(shop, "v1.users.makeAdmin", { email: person.email, password: PASSWORD });
	const login = { email: person.email, password: PASSWORD };
	const { access_token: token } = await callAction(shop, "v1.users.login", login);
	return { ...person, token };
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
	const knowledge = { schemas, fields: { product_id: known.products as string[] } };
	const service = path.split("/")[3] ?? "";
	const values = Object.fromEntries(
		parameters.map(({ in: place, name, schema }) => {
			const made = make(schema, knowledge);
			return [
				name,
				place === "path" && known[service] ? fc.oneof(made, fc.constantFrom(...known[service])) : made,
			];
		}),
	);
	if (isValid && values.cursor) {
		// Cursors cannot be generated.
		delete values.cursor;
	}
	const needed = parameters.filter((one) => one.required || one.in === "path").map(({ name }) => name);
	const schema = requestBody?.content["application/json"].schema;
	return fc.record({
		values: fc.record(values, { requiredKeys: needed }),
		body: schema ? make(schema, knowledge) : fc.constant(undefined),
	});
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

describe.each(operations)("%s %s", (method, path, operation) => {
	test.each([
		["as the document asks for", true],
		["with something wrong", false],
	])("is answered as the document says, for requests %s", async (_, isValid) => {
		// Each test has its own users: some requests end their sessions or revoke their roles.
		const people = { nobody: undefined, user: (await newUser(shop)).token, admin: (await newAdmin()).token };
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
					expect({ status, body, isDocumented: documented !== undefined }).toMatchObject({
						isDocumented: true,
					});
					const schema = documented?.content?.[type]?.schema;
					expect({ status, type, body, hasSchema: schema !== undefined || body === undefined }).toMatchObject(
						{
							hasSchema: true,
						},
					);
					if (schema) {
						expect({ body, wrong: matches(schema, body) }).toEqual({ body, wrong: undefined });
					}
				},
			),
			{ numRuns: isValid ? VALID_RUNS : INVALID_RUNS, endOnFailure: true },
		);
	});
});

test("most operations have done what they are for", () => {
	// These need values that cannot be generated: mail tokens, a signature, a failed message.
	const out = ["usersRefresh", "usersResetPassword", "ordersTakePaymentEvent", "notificationsRetry"];
	const never = operations
		.map(([, , { operationId }]) => operationId)
		.filter((name) => !done.has(name) && !out.includes(name));
	// A few of these may not succeed by chance.
	const lucky =
		/^(usersLogin|usersChangePassword|usersChangeEmail|productsChangeStock|orders(Cancel|Pay|Ship|Complete|Refund)|notificationsRetryDeadLetter)$/;
	expect(never.filter((name) => !lucky.test(name))).toEqual([]);
});
