import { z } from "zod";
import { PROBLEMS, type ProblemCode } from "../../contracts/problems.ts";
import { pathParameters } from "./requests.ts";
import { type Endpoint, endpoints } from "./routes.ts";

type JsonSchema = Record<string, unknown> & { properties?: Record<string, object>; required?: string[] };

const TAGS: Record<string, string> = {
	users: "Accounts, sessions and what people may do",
	products: "The catalogue and its stock",
	orders: "Orders, payments and what becomes of them",
	notifications: "Messages to people, and events that could not be handled",
	health: "Whether the shop is well",
};

let document: object | undefined;

/** The API as an OpenAPI 3.1 document, made from the contracts. */
export function openApiDocument(): object {
	document ??= makeDocument();
	return document;
}

function makeDocument(): object {
	const schemas: Record<string, object> = { Problem: problemSchema() };
	const all = [...endpoints(false), ...endpoints(true)];
	const codes = new Set(all.flatMap(({ contract }) => problemsOf(contract)));
	return {
		openapi: "3.1.0",
		info: {
			title: "Toko",
			version: "1.0.0",
			description:
				"The backend of an online shop. Errors are `application/problem+json` (RFC 9457) with a stable `code`; `Accept-Language: id` tells them in Indonesian. Lists give the next page by `Link`.",
			license: { name: "MIT", identifier: "MIT" },
		},
		servers: [{ url: "/" }],
		tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
		paths: { ...paths(all, schemas), ...gatewayPaths() },
		components: {
			securitySchemes: {
				bearer: {
					type: "http",
					scheme: "bearer",
					bearerFormat: "JWT",
					description: "The `access_token` of `POST /api/v1/users/login`",
				},
			},
			schemas,
			examples: Object.fromEntries([...codes].map((code) => [code, { value: exampleOf(code) }])),
		},
	};
}

function paths(all: Endpoint[], schemas: Record<string, object>): Record<string, Record<string, object>> {
	const found: Record<string, Record<string, object>> = {};
	for (const endpoint of all) {
		const { rest } = endpoint.contract;
		const path = `${rest.outermost ? "" : `/api/v${endpoint.of.version}`}${rest.path.replace(/:(\w+)/g, "{$1}")}`;
		found[path] ??= {};
		found[path][rest.method.toLowerCase()] = operation(endpoint, schemas);
	}
	return found;
}

function operation({ name, contract, of }: Endpoint, schemas: Record<string, object>): object {
	const { rest, permissions } = contract;
	const params = toSchema(contract.params, "input", schemas);
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
		.filter(([field]) => !hasBody || places.has(field))
		.map(([field, schema]) => ({
			...(places.get(field) ?? { in: "query", name: field }),
			required: required.includes(field),
			schema,
		}));
	const fields = Object.fromEntries(
		Object.entries(properties).filter(([field]) => hasBody && !places.has(field)),
	);
	const isHealth = name.endsWith(".health");
	const [, service, action = ""] = name.split(".");
	return {
		// A later version of the same action is another operation.
		operationId: `${service}${action.replace(/^./, (first) => first.toUpperCase())}${of.version === 1 ? "" : `V${of.version}`}`,
		summary: contract.summary,
		tags: [isHealth ? "health" : service],
		...(of.deprecated ? { deprecated: true } : {}),
		security: permissions === "public" ? [] : [{ bearer: [] }],
		...(parameters.length > 0 ? { parameters } : {}),
		...(Object.keys(fields).length > 0
			? { requestBody: requestBody(contract, fields, required, schemas) }
			: {}),
		responses: responses(contract, schemas, isHealth),
	};
}

function requestBody(
	{ rest, example }: Endpoint["contract"],
	fields: Record<string, object>,
	required: string[],
	schemas: Record<string, object>,
): object {
	const given = Object.entries(example ?? {}).filter(([field]) => field in fields);
	const ofFields = {
		type: "object",
		properties: fields,
		required: required.filter((field) => field in fields),
		additionalProperties: false,
		...(given.length > 0 ? { examples: [Object.fromEntries(given)] } : {}),
	};
	const body = rest.raw ? toSchema(rest.raw.body, "input", schemas) : ofFields;
	return { required: Boolean(rest.raw) || ofFields.required.length > 0, ...inJson(body) };
}

function responses(
	contract: Endpoint["contract"],
	schemas: Record<string, object>,
	isHealth: boolean,
): Record<string, object> {
	const { rest, result } = contract;
	const done = rest.status === 204 ? {} : inJson(toSchema(result, "output", schemas));
	const isForAll = rest.method === "GET" && contract.permissions === "public";
	return {
		[rest.status ?? 200]: { description: isHealth ? "It is well" : "Done", ...done },
		...(rest.otherStatus ? { [rest.otherStatus]: { description: "Accepted", ...done } } : {}),
		...(isForAll ? { 304: { description: "As in `If-None-Match`" } } : {}),
		...problems(problemsOf(contract)),
	};
}

/** All that can go wrong with a request to an action. */
export function problemsOf(contract: Endpoint["contract"]): ProblemCode[] {
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
	return {
		type: "about:blank",
		title: code
			.toLowerCase()
			.replaceAll("_", " ")
			.replace(/^./, (first) => first.toUpperCase()),
		status: PROBLEMS[code].status,
		detail: PROBLEMS[code].en,
		code,
		instance: "5b2c1d0e-8f3a-4c57-9a6b-7d8e9f001122",
		...(code === "VALIDATION_FAILED" ? { errors: [{ path: "email", message: "is required" }] } : {}),
	};
}

/** What the gateway answers itself. */
function gatewayPaths(): Record<string, object> {
	const state = (properties: object, optional: object = {}) =>
		inJson({
			type: "object",
			required: Object.keys(properties),
			properties: { ...properties, ...optional },
		});
	const answer = (operationId: string, summary: string, properties: object, other: object = {}) => ({
		get: {
			...{ operationId, summary, tags: ["health"], security: [] },
			responses: {
				200: { description: "It is well", ...state(properties) },
				...problems(["TOO_MANY_REQUESTS"]),
				...other,
			},
		},
	});
	const service = { type: "string", const: "api-gateway" };
	const services = {
		type: "object",
		additionalProperties: { type: "string", enum: ["healthy", "unavailable"] },
	};
	const ready = { status: { type: "string", enum: ["ready", "not_ready"] }, service, services };
	// Of services that answer and are not well all the same.
	const reasons = { type: "object", additionalProperties: { type: "string" } };
	return {
		"/health": answer("gatewayHealth", "Health of the gateway", {
			status: { type: "string", const: "healthy" },
			service,
		}),
		"/health/live": answer("gatewayLive", "Whether the gateway runs", {
			status: { type: "string", const: "alive" },
			service,
		}),
		"/health/ready": answer("shopReady", "Whether the whole shop can serve", ready, {
			503: { description: "Something is missing: `services` tells what", ...state(ready, { reasons }) },
		}),
	};
}

function inJson(schema: object) {
	return { content: { "application/json": { schema } } };
}

function problemSchema(): object {
	return {
		type: "object",
		description: "What went wrong (RFC 9457)",
		required: ["type", "title", "status", "detail", "code", "instance"],
		properties: {
			type: { type: "string" },
			title: { type: "string" },
			status: { type: "integer" },
			detail: { type: "string" },
			code: { type: "string", enum: Object.keys(PROBLEMS) },
			instance: { type: "string", description: "The request id" },
			state: { type: "string", description: "The state that the order is in" },
			errors: {
				type: "array",
				items: {
					type: "object",
					required: ["path", "message"],
					properties: {
						path: { type: "string" },
						message: { type: "string" },
						product_id: { type: "string" },
						requested: { type: "integer" },
						available: { type: "integer" },
					},
				},
			},
		},
	};
}

/** A schema as the document has it; those with a name go into `schemas`. */
function toSchema(schema: z.ZodType, io: "input" | "output", schemas: Record<string, object>): JsonSchema {
	const { $schema, $defs, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
	const text = JSON.stringify({ rest, $defs: $defs ?? {} }).replaceAll('"#/$defs/', '"#/components/schemas/');
	const read = JSON.parse(text) as { rest: JsonSchema; $defs: Record<string, object> };
	Object.assign(schemas, read.$defs);
	return read.rest;
}
