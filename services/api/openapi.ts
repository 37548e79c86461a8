import { idempotencyKey, isForAll, KEY_HEADER, rowsOf, takesKey } from "../../contracts/contract.ts";
import { documentFields, MEDIA_TYPES } from "../../contracts/documents.ts";
import { PROBLEMS, type ProblemCode } from "../../contracts/problem-codes.ts";
import { contracts } from "../../contracts/services.ts";
import { parameterExample } from "./examples.ts";
import { problemAnswer } from "./problems.ts";
import { pathParameters } from "./requests.ts";
import { type Endpoint, endpoints } from "./routes.ts";
import { capitalise, type JsonSchema, Schemas } from "./schemas.ts";

const TAGS: Record<string, string> = {
	...Object.fromEntries(contracts.map(({ name, about }) => [name, about])),
	health: "Whether the shop is well",
};

let document: object | undefined;

/**
 * Returns the API as an OpenAPI 3.1 document, generated from the contracts.
 *
 * @param server Absolute address of the shop, since not every client knows where the document comes from.
 */
export function openApiDocument(server = "http://127.0.0.1:3000"): object {
	document ??= makeDocument();
	return { ...document, servers: [{ url: server }] };
}

function makeDocument(): object {
	const schemas = new Schemas();
	Object.assign(schemas.all, { ProblemCode: PROBLEM_CODE, FieldError: FIELD_ERROR, Problem: PROBLEM });
	const all = [...endpoints(false), ...endpoints(true)];
	const codes = new Set(all.flatMap(({ contract }) => problemsOf(contract)));
	return {
		openapi: "3.1.0",
		info: {
			title: "Toko",
			version: "1.0.0",
			description:
				"The backend of an online shop. Errors are `application/problem+json` (RFC 9457) with a stable `code`; `Accept-Language: id` tells them in Indonesian. A request with an `Idempotency-Key` may be repeated for 24 hours: it is done once, and each repetition gets the first answer. Lists give the next page by `Link`.",
			license: { name: "MIT", identifier: "MIT" },
		},
		servers: [],
		tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
		paths: { ...paths(all, schemas), ...gatewayPaths(schemas) },
		components: {
			securitySchemes: {
				bearer: {
					type: "http",
					scheme: "bearer",
					bearerFormat: "JWT",
					description: "The `access_token` of `POST /api/v1/users/login`",
				},
			},
			schemas: schemas.all,
			headers: HEADERS,
			examples: Object.fromEntries([...codes].map((code) => [code, { value: exampleOf(code) }])),
		},
	};
}

function paths(all: Endpoint[], schemas: Schemas): Record<string, Record<string, object>> {
	const found: Record<string, Record<string, object>> = {};
	for (const endpoint of all) {
		const { rest } = endpoint.contract;
		const path = `${rest.outermost ? "" : `/api/v${endpoint.of.version}`}${rest.path.replace(/:(\w+)/g, "{$1}")}`;
		found[path] ??= {};
		found[path][rest.method.toLowerCase()] = operation(endpoint, schemas);
	}
	return found;
}

function operation(endpoint: Endpoint, schemas: Schemas): object {
	const { name, contract, of } = endpoint;
	const { rest, permissions } = contract;
	const [, service, action = ""] = name.split(".");
	// A later version of the same action is another operation.
	const id = `${service}${capitalise(action)}${of.version === 1 ? "" : `V${of.version}`}`;
	const params = schemas.write(contract.params, "input", `${capitalise(id)}Request`);
	const inPath = pathParameters(contract);
	const hasBody = rest.method !== "GET" && rest.method !== "DELETE";
	const inHeaders = Object.entries(rest.headers ?? {});
	const places = new Map<string, { in: string; name: string }>([
		...inHeaders.map(([header, field]) => [field, { in: "header", name: header }] as const),
		...(rest.query ?? []).map((field) => [field, { in: "query", name: field }] as const),
		...inPath.map((field) => [field, { in: "path", name: field }] as const),
	]);
	const properties = params.properties ?? {};
	const required = params.required ?? [];
	const parameters = Object.entries(properties)
		.filter(([field]) => (!hasBody || places.has(field)) && !(rest.isDocument && field in documentFields))
		.map(([field, { examples, ...schema }]) => ({
			...(places.get(field) ?? { in: "query", name: field }),
			required: required.includes(field),
			schema,
			example: parameterExample(endpoint, field, { ...schema, ...(examples ? { examples } : {}) }),
		}));
	if (takesKey(contract)) {
		const { examples, ...schema } = schemas.write(idempotencyKey, "input", "IdempotencyKey");
		parameters.push({ in: "header", name: KEY_HEADER, required: false, schema, example: examples?.[0] });
	}
	const fields = Object.fromEntries(
		Object.entries(properties).filter(([field]) => hasBody && !places.has(field)),
	);
	const isHealth = name.endsWith(".health");
	return {
		operationId: id,
		summary: contract.summary,
		tags: [isHealth ? "health" : service],
		...(of.deprecated ? { deprecated: true } : {}),
		security: permissions === "public" ? [] : [{ bearer: [] }],
		...(parameters.length > 0 ? { parameters } : {}),
		...(Object.keys(fields).length > 0
			? { requestBody: requestBody(contract, { fields, required, id }, schemas) }
			: {}),
		responses: responses(contract, `${capitalise(id)}Result`, schemas),
	};
}

function requestBody(
	{ rest, example, params }: Endpoint["contract"],
	{ fields, required, id }: { fields: Record<string, JsonSchema>; required: string[]; id: string },
	schemas: Schemas,
): object {
	const name = `${capitalise(id)}Request`;
	const bodyExample = Object.fromEntries(Object.entries(example ?? {}).filter(([field]) => field in fields));
	const hasExample = Object.keys(bodyExample).length > 0;
	const needed = required.filter((field) => field in fields);
	// Of optional fields, one may be needed.
	const { error } = params.safeParse(
		Object.fromEntries(Object.entries(example ?? {}).filter(([field]) => !(field in fields))),
	);
	const isNeeded = error?.issues.some(({ path: [field] }) => field === undefined || String(field) in fields);
	const ofFields = {
		type: "object",
		properties: fields,
		...(needed.length > 0 ? { required: needed } : {}),
		additionalProperties: false,
		...(hasExample ? { examples: [bodyExample] } : {}),
	};
	return {
		required: Boolean(rest.raw || isNeeded),
		...inJson(
			schemas.name(rest.raw ? schemas.write(rest.raw.body, "input", name) : ofFields, name),
			rest.raw
				? (rest.raw.body.meta()?.examples as unknown[] | undefined)?.[0]
				: hasExample
					? bodyExample
					: undefined,
		),
	};
}

function responses(contract: Endpoint["contract"], name: string, schemas: Schemas): Record<string, object> {
	const { rest, result, params } = contract;
	const inSchema = () => schemas.name(schemas.write(rowsOf(contract) ?? result, "output", name), name);
	const done = rest.status === 204 ? {} : rest.isDocument ? AS_DOCUMENT : inJson(inSchema());
	const headers = {
		...(rest.location ? { Location: { $ref: "#/components/headers/Location" } } : {}),
		...("skip" in params.shape ? { Link: { $ref: "#/components/headers/Link" } } : {}),
	};
	return {
		[rest.status ?? 200]: {
			description: rest.path.startsWith("/health") ? "It is well" : "Done",
			...(Object.keys(headers).length > 0 ? { headers } : {}),
			...done,
		},
		...(rest.isFound ? { 200: { description: "It was there already", ...done } } : {}),
		...(rest.isAccepted ? { 202: { description: "Accepted", ...done } } : {}),
		...(isForAll(contract) ? { 304: { description: "As in `If-None-Match`" } } : {}),
		...problems(problemsOf(contract)),
	};
}

/** Returns all error codes of a request to an action. */
function problemsOf(contract: Endpoint["contract"]): ProblemCode[] {
	const { rest, permissions, params } = contract;
	const hasBody = rest.method !== "GET" && rest.method !== "DELETE";
	const takesNothing = Object.keys(params.shape).length === 0;
	const found: (ProblemCode | false | undefined)[] = [
		!takesNothing && "MALFORMED_QUERY",
		hasBody && "MALFORMED_BODY",
		permissions !== "public" && "UNAUTHENTICATED",
		permissions !== "public" && "TOKEN_INVALID",
		permissions === "admin" && "FORBIDDEN",
		pathParameters(contract).length > 0 && "NOT_FOUND",
		hasBody && "BODY_TOO_LARGE",
		hasBody && "UNSUPPORTED_MEDIA_TYPE",
		(hasBody || !takesNothing || rest.method === "GET") && "VALIDATION_FAILED",
		"TOO_MANY_REQUESTS",
		"INTERNAL",
		"UNAVAILABLE",
		!rest.path.startsWith("/health") && "TIMED_OUT",
		takesKey(contract) && "VALIDATION_FAILED",
		takesKey(contract) && permissions !== "public" && "KEY_REUSED",
		takesKey(contract) && "KEY_IN_USE",
		rest.isDocument && "NOT_ACCEPTABLE",
		...(contract.problems ?? []),
	];
	return [...new Set(found.filter((code) => typeof code === "string"))];
}

function problems(codes: ProblemCode[]): Record<string, object> {
	const byStatus = new Map<number, ProblemCode[]>();
	for (const code of codes) {
		const { status } = PROBLEMS[code];
		byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
	}
	return Object.fromEntries(
		[...byStatus].map(([status, ofStatus]) => [
			status,
			{
				...(status === 429 || status === 503
					? { headers: { "Retry-After": { $ref: "#/components/headers/Retry-After" } } }
					: {}),
				description: ofStatus.map((code) => `\`${code}\`: ${PROBLEMS[code].en}`).join("\n\n"),
				content: {
					"application/problem+json": {
						schema: { $ref: "#/components/schemas/Problem" },
						examples: Object.fromEntries(
							ofStatus.map((code) => [code, { $ref: `#/components/examples/${code}` }]),
						),
					},
				},
			},
		]),
	);
}

function exampleOf(code: ProblemCode): object {
	const data = code === "VALIDATION_FAILED" ? { errors: [{ path: "email", message: "is required" }] } : {};
	const example = problemAnswer({ code, data }, "5b2c1d0e-8f3a-4c57-9a6b-7d8e9f001122", "en");
	return { ...example, detail: PROBLEMS[code].en };
}

/** Returns the paths that the gateway handles itself. */
function gatewayPaths(schemas: Schemas): Record<string, object> {
	const answer = (
		id: string,
		summary: string,
		required: Record<string, JsonSchema>,
		optional: Record<string, JsonSchema> = {},
	) => {
		const properties = { ...required, ...optional };
		const schema = { type: "object", properties, required: Object.keys(required) };
		const state = inJson(schemas.name(schema, capitalise(id)));
		return [{ operationId: id, summary, tags: ["health"], security: [] }, state] as const;
	};
	const get = ([operation, state]: ReturnType<typeof answer>, other: object = {}) => ({
		get: {
			...operation,
			responses: {
				200: { description: "It is well", ...state },
				...problems(["TOO_MANY_REQUESTS"]),
				...other,
			},
		},
	});
	const service = { type: "string", const: "api-gateway" };
	const ready = answer(
		"shopReady",
		"Whether the whole shop can serve",
		{
			status: { type: "string", enum: ["ready", "not_ready"] },
			service,
			services: {
				type: "object",
				additionalProperties: { type: "string", enum: ["healthy", "unavailable", "stopping"] },
			},
		},
		// Reasons of services that respond and are not healthy.
		{ reasons: { type: "object", additionalProperties: { type: "string" } } },
	);
	return {
		"/health": get(
			answer("gatewayHealth", "Health of the gateway", {
				status: { type: "string", const: "healthy" },
				service,
			}),
		),
		"/health/live": get(
			answer("gatewayLive", "Whether the gateway runs", {
				status: { type: "string", const: "alive" },
				service,
			}),
		),
		"/health/ready": get(ready, {
			503: { description: "Something is missing: `services` tells what", ...ready[1] },
		}),
	};
}

function inJson(schema: JsonSchema, example?: unknown) {
	return { content: { "application/json": { schema, ...(example === undefined ? {} : { example }) } } };
}

/** A document in its media types; one that is not text has no schema (OpenAPI 3.1, 4.8.14.3). */
const AS_DOCUMENT = {
	content: { [MEDIA_TYPES.html]: { schema: { type: "string" } }, [MEDIA_TYPES.pdf]: {} },
};

const HEADERS = {
	Link: {
		description:
			'Where the next page is, if there is one: `<…>; rel="next"` (RFC 8288), relative to this one',
		schema: { type: "string" },
		example: '</api/v1/users?limit=50&cursor=WyJ1c2VycyIsIjUwIl0>; rel="next"',
	},
	Location: {
		description: "Where the new thing is, relative to this address",
		schema: { type: "string" },
		example: "/api/v1/products/01a20af7e8d300020f7306eb",
	},
	"Retry-After": {
		description: "Seconds to wait before the next try",
		schema: { type: "integer", format: "int32" },
		example: 1,
	},
};

const PROBLEM_CODE: JsonSchema = {
	type: "string",
	description: "What went wrong, for programs",
	enum: Object.keys(PROBLEMS),
};

const PROBLEM: JsonSchema = {
	type: "object",
	description: "What went wrong (RFC 9457)",
	required: ["type", "title", "status", "detail", "code", "instance"],
	properties: {
		type: { type: "string" },
		title: { type: "string" },
		status: { type: "integer", format: "int32" },
		detail: { type: "string" },
		code: { $ref: "#/components/schemas/ProblemCode" },
		instance: { type: "string", description: "The request id" },
		state: { type: "string", description: "The state that the order is in" },
		errors: { type: "array", items: { $ref: "#/components/schemas/FieldError" } },
	},
};

const FIELD_ERROR: JsonSchema = {
	type: "object",
	description: "A field that is wrong, or a line of an order that cannot be had",
	required: ["path", "message"],
	properties: {
		path: { type: "string" },
		message: { type: "string" },
		product_id: { type: "string" },
		requested: { type: "integer", format: "int64" },
		available: { type: "integer", format: "int64" },
	},
};
