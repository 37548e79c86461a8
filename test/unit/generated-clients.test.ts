import { expect, test } from "@jest/globals";
import { Ajv2020 } from "ajv/dist/2020.js";
import formats from "ajv-formats";
import { openApiDocument } from "../../services/api/openapi.ts";

interface Schema {
	type?: string | string[];
	format?: string;
	pattern?: string;
	minimum?: number;
	maximum?: number;
	enum?: unknown[];
	examples?: unknown[];
	properties?: Record<string, Schema>;
	additionalProperties?: Schema | boolean;
	"x-enum-varnames"?: string[];
}

type Content = Record<string, { schema: Schema; example?: unknown }>;

interface Operation {
	operationId: string;
	tags: string[];
	parameters?: { name: string; schema: Schema; example?: unknown }[];
	requestBody?: { content: Content };
	responses: Record<string, { content?: Content }>;
}

interface Document {
	servers: { url: string }[];
	tags: { name: string }[];
	paths: Record<string, Record<string, Operation>>;
	components: { schemas: Record<string, Schema> };
}

const document = openApiDocument() as unknown as Document;
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
	Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
);
const schemas = [...schemasIn(document)];
const ajv = new Ajv2020({ strict: false });
(formats as unknown as (ajv: Ajv2020) => void)(ajv);

/** Yields every schema of the document with its path. */
function* schemasIn(node: unknown, at: string[] = []): Generator<{ schema: Schema; at: string }> {
	if (typeof node !== "object" || node === null) {
		return;
	}
	const above = at.at(-1) ?? "";
	const isNamed = ["properties", "schemas"].includes(at.at(-2) ?? "");
	if (isNamed || ["schema", "items", "additionalProperties"].includes(above) || at.at(-2) === "anyOf") {
		yield { schema: node as Schema, at: at.join("/") };
	}
	for (const [name, inner] of Object.entries(node)) {
		if (!["example", "examples", "default", "enum"].includes(name) || above === "properties") {
			yield* schemasIn(inner, [...at, name]);
		}
	}
}

test("a client generated from the document knows where the shop is", () => {
	expect(document.servers).toEqual([{ url: "http://127.0.0.1:3000" }]);
	expect(openApiDocument("https://shop.example")).toMatchObject({
		servers: [{ url: "https://shop.example" }],
		paths: document.paths,
	});
});

test("a client generated from the document has a class for each object, each with a name of its own in every language", () => {
	const names = Object.keys(document.components.schemas);
	expect(names.filter((name) => !/^[A-Z][A-Za-z0-9]*$/.test(name))).toEqual([]);
	expect(new Set(names.map((name) => name.toLowerCase())).size).toBe(names.length);
	const anonymous = schemas.filter(
		({ schema, at }) => schema.properties && !/^components\/schemas\/\w+$/.test(at),
	);
	expect(anonymous.map(({ at }) => at)).toEqual([]);
});

test("a client generated from the document has a method for each operation, each with a name of its own", () => {
	const ids = operations.map(({ operationId }) => operationId);
	expect(ids.filter((id) => !/^[a-z]+[A-Z][A-Za-z0-9]*$/.test(id))).toEqual([]);
	expect(new Set(ids.map((id) => id.toLowerCase())).size).toBe(ids.length);
	const tags = new Set(document.tags.map(({ name }) => name));
	expect(operations.filter((one) => one.tags.length !== 1 || !tags.has(one.tags[0] as string))).toEqual([]);
});

test("a client generated from the document has whole numbers that are large enough, and no bound that is only JavaScript's", () => {
	for (const { schema, at } of schemas) {
		const { type, format, minimum = 0, maximum = 0 } = schema;
		expect([at, Math.max(-minimum, maximum) < Number.MAX_SAFE_INTEGER]).toEqual([at, true]);
		if ([type].flat().includes("integer")) {
			expect([at, format]).toEqual([at, expect.stringMatching(/^int(32|64)$/)]);
			expect([at, format === "int64" || Math.max(-minimum, maximum) < 2 ** 31]).toEqual([at, true]);
		}
	}
});

test("a client generated from the document understands each pattern, and matches none against a date", () => {
	for (const { schema, at } of schemas) {
		// RE2 (Go) and Rust support neither lookaround nor backreferences.
		expect([at, schema.pattern ?? ""]).toEqual([at, expect.not.stringMatching(/\(\?[=!<]|\\[1-9]/)]);
		expect([at, schema.format && schema.pattern]).toEqual([at, undefined]);
	}
});

test("a client generated from the document can tell values of an enum apart by their letters, or is told names for them", () => {
	for (const { schema, at } of schemas.filter((one) => one.schema.enum)) {
		const names = schema["x-enum-varnames"] ?? schema.enum ?? [];
		const plain = names.map((name) => String(name).replace(/\W/g, "").toLowerCase());
		expect([at, new Set(plain).size]).toEqual([at, schema.enum?.length]);
	}
});

test("a client generated from the document takes answers with fields that are added later, and sends none that are unknown", () => {
	const open = new Set<string>();
	const visit = (schema: Schema) => {
		for (const [, name = ""] of JSON.stringify(schema).matchAll(/#\/components\/schemas\/(\w+)/g)) {
			if (!open.has(name)) {
				open.add(name);
				visit(document.components.schemas[name] as Schema);
			}
		}
	};
	visit(operations.map(({ responses }) => responses) as unknown as Schema);
	for (const [name, schema] of Object.entries(document.components.schemas)) {
		if (schema.properties) {
			const isClosed = schema.additionalProperties === false;
			expect([name, isClosed]).toEqual([name, !open.has(name)]);
		}
	}
});

test("a client generated from the document gets a problem for everything that goes wrong, and nothing with 204", () => {
	for (const { path, responses } of operations) {
		for (const [status, { content = {} }] of Object.entries(responses)) {
			const types = Object.keys(content).join();
			if (Number(status) >= 400 && path !== "/health/ready") {
				expect([path, status, types]).toEqual([path, status, "application/problem+json"]);
				const problem = { $ref: "#/components/schemas/Problem" };
				expect(Object.values(content)).toMatchObject([{ schema: problem }]);
			} else if (status === "204" || status === "304") {
				expect([path, status, types]).toEqual([path, status, ""]);
			}
		}
	}
});

test("a client generated from the document is shown a value for each parameter and each body, and it is one", () => {
	ajv.addSchema({ $id: "api", components: document.components });
	const isOne = (schema: Schema, value: unknown) =>
		ajv.validate(JSON.parse(JSON.stringify(schema).replaceAll('"#/components', '"api#/components')), value);
	for (const { operationId, parameters = [], requestBody } of operations) {
		for (const { name, schema, example } of parameters) {
			expect([operationId, name, example]).toEqual([operationId, name, expect.anything()]);
			expect([operationId, name, isOne(schema, example)]).toEqual([operationId, name, true]);
		}
		for (const { schema, example } of Object.values(requestBody?.content ?? {})) {
			expect([operationId, example]).toEqual([operationId, expect.anything()]);
			expect([operationId, isOne(schema, example)]).toEqual([operationId, true]);
		}
	}
	for (const { schema, at } of schemas) {
		for (const example of schema.examples ?? []) {
			expect([at, isOne(schema, example)]).toEqual([at, true]);
		}
	}
});
