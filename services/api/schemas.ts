import { z } from "zod";
import { CURRENCY_DECIMALS } from "../../contracts/money.ts";

/** The subset of JSON Schema (2020-12) in the OpenAPI document. */
export interface JsonSchema {
	$ref?: string;
	type?: string | string[];
	format?: string;
	const?: unknown;
	enum?: unknown[];
	anyOf?: JsonSchema[];
	pattern?: string;
	minimum?: number;
	maximum?: number;
	items?: JsonSchema;
	properties?: Record<string, JsonSchema>;
	additionalProperties?: JsonSchema | boolean;
	required?: string[];
	default?: unknown;
	examples?: unknown[];
	[keyword: string]: unknown;
}

/** Formats that make a pattern redundant; generated clients would match the pattern against a date. */
const FORMATS = new Set(["date-time", "email", "uri", "uuid"]);
const INT32_MAX = 2 ** 31 - 1;
/** Bounds beyond this are JavaScript's own, not rules of the API, and exceed the integers of other languages. */
const BOUND_MAX = Number.MAX_SAFE_INTEGER / 10 ** CURRENCY_DECIMALS;

/** Collects the named schemas of a document, so that generated clients have a class for each. */
export class Schemas {
	readonly all: Record<string, JsonSchema> = {};

	/**
	 * Converts a contract's schema for the document.
	 *
	 * @param io `input` for what a client sends, `output` for what it receives.
	 * @param name Prefix of the names of nested objects without a name of their own.
	 */
	write(schema: z.ZodType, io: "input" | "output", name: string): JsonSchema {
		const written = z.toJSONSchema(schema, { io, unrepresentable: "any" });
		const { $schema, $defs = {}, ...rest } = written as JsonSchema & { $defs?: Record<string, JsonSchema> };
		for (const [id, definition] of Object.entries($defs)) {
			this.#add(id, this.#nameParts(portable(definition, io), id));
		}
		return this.#nameParts(portable(rest, io), name);
	}

	/**
	 * Adds an object under this name and returns a reference to it; other schemas are returned with references to their
	 * nested objects.
	 */
	name(schema: JsonSchema, name: string): JsonSchema {
		const whole = this.#nameParts(schema, name);
		return schema.properties ? this.#add(name, whole) : whole;
	}

	#add(name: string, schema: JsonSchema): JsonSchema {
		const known = this.all[name];
		if (known && JSON.stringify(known) !== JSON.stringify(schema)) {
			throw new Error(`two schemas of the API are called ${name}: give one of them another id`);
		}
		this.all[name] = schema;
		return { $ref: `#/components/schemas/${name}` };
	}

	#nameParts(schema: JsonSchema, name: string): JsonSchema {
		const example = schema.examples?.[0];
		return mapParts(schema, (part, property) => {
			const named = this.name(part, `${name}${capitalise(property)}`);
			const value = (example as Record<string, unknown> | undefined)?.[property];
			const isPlain = schema.properties?.[property] === part && ["string", "number"].includes(typeof value);
			return isPlain && !named.$ref && !named.examples ? { ...named, examples: [value] } : named;
		});
	}
}

/** Converts `expires_at` to `ExpiresAt`. */
export function capitalise(name: string): string {
	return name.replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Returns a copy with all direct subschemas mapped; those without a property are called `item` or `value`. */
function mapParts(schema: JsonSchema, map: (part: JsonSchema, property: string) => JsonSchema): JsonSchema {
	const { items, properties, additionalProperties, anyOf } = schema;
	return {
		...schema,
		...(anyOf ? { anyOf: anyOf.map((one) => map(one, "value")) } : {}),
		...(items ? { items: map(items, "item") } : {}),
		...(properties
			? {
					properties: Object.fromEntries(
						Object.entries(properties).map(([name, property]) => [name, map(property, name)]),
					),
				}
			: {}),
		...(typeof additionalProperties === "object"
			? { additionalProperties: map(additionalProperties, "value") }
			: {}),
	};
}

/** Converts a schema to forms that client generators understand, without those specific to Zod or JavaScript. */
function portable(schema: JsonSchema, io: "input" | "output"): JsonSchema {
	const whole = mapParts(schema, (part) => portable(part, io));
	// Names of properties are text in JSON anyway.
	const { $ref, pattern, minimum, maximum, additionalProperties, propertyNames, ...rest } = nullable(whole);
	const types = [rest.type ?? []].flat();
	const bounds = {
		...(minimum !== undefined && minimum > -BOUND_MAX ? { minimum } : {}),
		...(maximum !== undefined && maximum < BOUND_MAX ? { maximum } : {}),
	};
	// Clients must accept future responses, which may have more fields.
	const isOpen = io === "output" && additionalProperties === false;
	if (rest.const === true || rest.const === false) {
		delete rest.const;
	}
	return {
		...rest,
		...($ref ? { $ref: $ref.replace("#/$defs/", "#/components/schemas/") } : {}),
		...(pattern !== undefined && !FORMATS.has(rest.format ?? "") ? { pattern } : {}),
		...(types.includes("integer") ? { format: integerFormat(bounds) } : {}),
		...bounds,
		...(additionalProperties !== undefined && !isOpen ? { additionalProperties } : {}),
		...enumNames(rest.enum),
	};
}

/** Merges the two schemas that Zod writes for a nullable type. */
function nullable(schema: JsonSchema): JsonSchema {
	const { anyOf = [], ...rest } = schema;
	const [one, none] = anyOf;
	const isNullable = anyOf.length === 2 && typeof one?.type === "string" && none?.type === "null";
	return isNullable ? { ...one, ...rest, type: [one.type as string, "null"] } : schema;
}

function integerFormat({ minimum, maximum }: { minimum?: number; maximum?: number }): "int32" | "int64" {
	const isSmall = minimum !== undefined && maximum !== undefined;
	return isSmall && minimum >= -INT32_MAX && maximum <= INT32_MAX ? "int32" : "int64";
}

/** Adds names for values that start with a sign: without the sign, `name` and `-name` would be the same. */
function enumNames(values: unknown[] | undefined): object {
	if (!values?.some((value) => String(value).startsWith("-"))) {
		return {};
	}
	const names = values.map((value) =>
		String(value)
			.replace(/^-(.*)/, "$1_descending")
			.toUpperCase(),
	);
	return { "x-enum-varnames": names };
}
