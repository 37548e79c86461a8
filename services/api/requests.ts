import type { IncomingMessage } from "node:http";
import { z } from "zod";
import type { ActionContract } from "../../contracts/contract.ts";
import { documentFields } from "../../contracts/documents.ts";
import { ERRORS_MAX, type FieldError, problem } from "../../contracts/problems.ts";
import { preferredDocument } from "./documents.ts";
import { ambiguousLiterals, numberFromQuery } from "./numbers.ts";

/** The parts of a request that moleculer-web has parsed. */
export interface RequestParts {
	path: Record<string, string>;
	query: Record<string, unknown>;
	body: unknown;
	/** The body as received, if there was one. */
	raw?: Buffer | undefined;
	headers: IncomingMessage["headers"];
}

type Read = (parts: RequestParts) => Record<string, unknown>;

/**
 * Maximum nesting of a body: contracts need less than half, and thousands of levels overflow the stack when written as
 * JSON.
 */
const LEVELS_MAX = 32;

/**
 * Returns a function that collects an action's parameters from the places that its contract declares. Text from paths
 * and query strings is converted to numbers if the contract requires it; the action itself validates the values.
 *
 * @throws VALIDATION_FAILED if a parameter is in the wrong place, nested too deeply to be forwarded, or an ambiguous
 * number; NOT_ACCEPTABLE.
 */
export function parameterReader(contract: ActionContract): Read {
	const rest = contract.rest as NonNullable<ActionContract["rest"]>;
	const inPath = pathParameters(contract);
	const hasBody = rest.method !== "GET" && rest.method !== "DELETE";
	const fromHeaders = Object.entries(rest.headers ?? {});
	const fromQuery = new Set(rest.query ?? []);
	const negotiated = rest.isDocument ? Object.keys(documentFields) : [];
	const elsewhere = new Set([
		...[...inPath, ...fromQuery, ...negotiated],
		...fromHeaders.map(([, name]) => name),
	]);
	const schema = z.toJSONSchema(contract.params, { io: "input", unrepresentable: "any" });
	const integers = parametersOf(schema, "integer");
	const numbers = parametersOf(schema, "number");
	const switches = parametersOf(schema, "boolean");

	return ({ path, query, body, raw, headers }) => {
		const params = new Map<string, unknown>();
		const misplaced: FieldError[] = [];
		const wrong: FieldError[] = [];
		if (rest.raw) {
			params.set(rest.raw.param, asText(raw));
		} else if (hasBody) {
			const fields = Object.entries(asObject(body));
			refuseDeep(fields);
			for (const [name, value] of fields) {
				if (elsewhere.has(name)) {
					misplaced.push({ path: name, message: "is not a field of the body" });
				}
				params.set(name, value);
			}
			wrong.push(...ambiguousLiterals(raw, schema));
		}
		for (const [name, value] of Object.entries(query)) {
			// A secret that a header has to carry would be logged with the address.
			if (!fromQuery.has(name) && (hasBody || elsewhere.has(name))) {
				misplaced.push({ path: name, message: "is not a parameter of the query string" });
			}
			if (typeof value === "string" && (integers.has(name) || numbers.has(name))) {
				const read = numberFromQuery(value, numbers.has(name));
				params.set(name, read.value);
				wrong.push(...(read.message === undefined ? [] : [{ path: name, message: read.message }]));
			} else {
				params.set(name, switches.has(name) ? toBoolean(value) : value);
			}
		}
		if (misplaced.length > 0) {
			throw problem("VALIDATION_FAILED", { errors: misplaced, is_misplaced: true });
		}
		if (wrong.length > 0) {
			throw problem("VALIDATION_FAILED", { errors: wrong.slice(0, ERRORS_MAX) });
		}
		for (const [header, name] of fromHeaders) {
			if (headers[header] !== undefined) {
				params.set(name, headers[header]);
			}
		}
		for (const [name, value] of Object.entries(rest.isDocument ? preferredDocument(headers) : {})) {
			params.set(name, value);
		}
		for (const name of inPath) {
			params.set(name, integers.has(name) ? toId(path[name]) : path[name]);
		}
		return Object.fromEntries(params);
	};
}

/** Returns the names of the `:name` segments of an action's path. */
export function pathParameters(contract: ActionContract): string[] {
	return [...(contract.rest?.path ?? "").matchAll(/:(\w+)/g)].map(([, name]) => name as string);
}

/** Decodes a body only if encoding it yields the same bytes, which a signature covers. */
function asText(raw: Buffer | undefined): string {
	try {
		return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
	} catch {
		throw problem("MALFORMED_BODY");
	}
}

function asObject(body: unknown): object {
	if (body === undefined || body === null) {
		return {};
	}
	if (typeof body !== "object" || Array.isArray(body)) {
		throw problem("VALIDATION_FAILED", { errors: [{ path: "", message: "the body must be a JSON object" }] });
	}
	return body;
}

/**
 * Maximum number of values in a body, checked before it is sent to a node that would spend time on validating it. The
 * largest valid body has about 300.
 */
const VALUES_MAX = 5000;

function refuseDeep(fields: [string, unknown][]): void {
	const deep: string[] = [];
	let values = 0;
	for (const [name, value] of fields) {
		let level = [value];
		for (let depth = 0; level.length > 0 && values <= VALUES_MAX; depth++) {
			values += level.length;
			if (depth > LEVELS_MAX) {
				deep.push(name);
				break;
			}
			level = level.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : []));
		}
	}
	if (values > VALUES_MAX) {
		const message = `must not have more than ${VALUES_MAX} values`;
		throw problem("VALIDATION_FAILED", { errors: [{ path: "", message }] });
	}
	if (deep.length > 0) {
		const message = `must not be nested deeper than ${LEVELS_MAX} levels`;
		throw problem("VALIDATION_FAILED", { errors: deep.map((path) => ({ path, message })) });
	}
}

function parametersOf({ properties = {} }: z.core.JSONSchema.JSONSchema, type: string): Set<string> {
	return new Set(
		Object.entries(properties)
			.filter(([, property]) => (property as { type?: string }).type === type)
			.map(([name]) => name),
	);
}

function toBoolean(value: unknown): unknown {
	return value === "true" || value === "false" ? value === "true" : value;
}

/** Accepts one form only, so that each row has one address: 2 is an id, 02, +2 and 2.0 are not. */
function toId(text: string | undefined): unknown {
	return /^[1-9]\d{0,14}$/.test(text ?? "") ? Number(text) : text;
}
