import { z } from "zod";
import { PROBLEMS } from "../../contracts/problems.ts";
import { pathParameters } from "./requests.ts";
import { type Endpoint, endpoints } from "./routes.ts";

type JsonSchema = Record<string, unknown> & { properties?: Record<string, object>; required?: string[] };

let document: object | undefined;

/** The API as an OpenAPI 3.1 document, made from the contracts. */
export function openApiDocument(): object {
	document ??= {
		openapi: "3.1.0",
		info: {
			title: "Toko",
			version: "1.0.0",
			description: "The backend of an online shop.",
			license: { name: "MIT", identifier: "MIT" },
		},
		servers: [{ url: "/" }],
		paths: paths([...endpoints(false), ...endpoints(true)]),
		components: {
			securitySchemes: { bearer: { type: "http", scheme: "bearer", bearerFormat: "JWT" } },
			schemas: { Problem: problemSchema() },
			responses: {
				Problem: {
					description: "What went wrong (RFC 9457)",
					content: { "application/problem+json": { schema: { $ref: "#/components/schemas/Problem" } } },
				},
			},
		},
	};
	return document;
}

function paths(all: Endpoint[]): Record<string, Record<string, object>> {
	const found: Record<string, Record<string, object>> = {};
	for (const endpoint of all) {
		const { rest } = endpoint.contract;
		const path = `${rest.outermost ? "" : `/api/v${endpoint.of.version}`}${rest.path.replace(/:(\w+)/g, "{$1}")}`;
		found[path] ??= {};
		found[path][rest.method.toLowerCase()] = operation(endpoint);
	}
	return found;
}

function operation({ name, contract }: Endpoint): object {
	const { rest, permissions } = contract;
	const params = toSchema(contract.params, "input");
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
	const ofFields = {
		type: "object",
		properties: fields,
		required: required.filter((field) => field in fields),
		additionalProperties: false,
	};
	const body = rest.raw ? toSchema(rest.raw.body, "input") : ofFields;
	const done = rest.status === 204 ? {} : inJson(toSchema(contract.result, "output"));
	const [, , short] = name.split(".");
	return {
		operationId: name.replace(/^v\d+\./, "").replace(/\.(\w)/, (_, first: string) => first.toUpperCase()),
		summary: contract.summary,
		tags: [name.split(".")[1]],
		...(permissions === "public" ? { security: [] } : { security: [{ bearer: [] }] }),
		...(parameters.length > 0 ? { parameters } : {}),
		...(Object.keys(fields).length > 0
			? { requestBody: { required: (body.required ?? []).length > 0, ...inJson(body) } }
			: {}),
		responses: {
			[rest.status ?? 200]: { description: short === "health" ? "It is well" : "Done", ...done },
			...(rest.otherStatus ? { [rest.otherStatus]: { description: "Accepted", ...done } } : {}),
			default: { $ref: "#/components/responses/Problem" },
		},
	};
}

function inJson(schema: object) {
	return { content: { "application/json": { schema } } };
}

function problemSchema(): object {
	return {
		type: "object",
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
					properties: { path: { type: "string" }, message: { type: "string" } },
				},
			},
		},
	};
}

function toSchema(schema: z.ZodType, io: "input" | "output"): JsonSchema {
	const { $schema, ...rest } = z.toJSONSchema(schema, { io, unrepresentable: "any" });
	return rest as JsonSchema;
}
