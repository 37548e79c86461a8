import { z } from "zod";
import type { JsonSchema } from "../../services/api/schemas.ts";
import { code, table } from "./markdown.ts";

/** Collects the named types of a document, so that each is described once. */
export class Types {
	readonly #named = new Map<string, JsonSchema>();

	/** Returns the JSON Schema of a contract's schema, as parsed (`input`) or as returned (`output`). */
	read(schema: z.ZodType, io: "input" | "output"): JsonSchema {
		const { $defs = {}, ...whole } = z.toJSONSchema(schema, { io, unrepresentable: "any" }) as JsonSchema & {
			$defs?: Record<string, JsonSchema>;
		};
		for (const [name, definition] of Object.entries($defs)) {
			this.#named.set(name, definition);
		}
		return whole;
	}

	/** Returns the named types so far, sorted by name. */
	get named(): [name: string, schema: JsonSchema][] {
		return [...this.#named].sort(([a], [b]) => (a < b ? -1 : 1));
	}
}

/** Returns a type in TypeScript notation, such as `Order[]` or `{ id: integer, note?: string }`. */
export function notation({ $ref, anyOf, items, properties, ...schema }: JsonSchema): string {
	if ($ref) {
		return $ref.replace("#/$defs/", "");
	}
	if (anyOf) {
		return anyOf.map(notation).join(" | ");
	}
	if (schema.enum) {
		return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
	}
	if ("const" in schema) {
		return JSON.stringify(schema.const);
	}
	if (items) {
		return items.anyOf || items.enum || Array.isArray(items.type)
			? `(${notation(items)})[]`
			: `${notation(items)}[]`;
	}
	if (properties) {
		const fields = fieldsOf({ properties, ...schema }).map(([name, type]) => `${name}: ${type}`);
		return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`;
	}
	return schema.format ?? [schema.type ?? "any"].flat().join(" | ");
}

/** Returns the fields of an object as a table. */
export function fieldTable(schema: JsonSchema): string {
	const rows = fieldsOf(schema).map((cells) => cells.map(code));
	return table(["field", "type"], rows);
}

function fieldsOf({ properties = {}, required = [] }: JsonSchema): [name: string, type: string][] {
	return Object.entries(properties).map(([name, field]) => [
		required.includes(name) ? name : `${name}?`,
		notation(field),
	]);
}

/** Describes the bounds and the default of a value. */
export function constraints(schema: JsonSchema): string {
	const { minimum, maximum, minLength, maxLength, minItems, maxItems, default: otherwise } = schema;
	const { pattern, format } = schema;
	return [
		range(bound(minimum), bound(maximum), ""),
		range(minLength as number, maxLength as number, " characters"),
		range(minItems as number, maxItems as number, " entries"),
		pattern === undefined || format ? "" : `matches ${code(pattern)}`,
		otherwise === undefined ? "" : `default ${JSON.stringify(otherwise)}`,
	]
		.filter((one) => one !== "")
		.join("; ");
}

/** Zod bounds integers to JavaScript's safe range, which is not a rule of the contract. */
function bound(limit: number | undefined): number | undefined {
	return Math.abs(limit ?? 0) >= Number.MAX_SAFE_INTEGER ? undefined : limit;
}

function range(least: number | undefined, most: number | undefined, unit: string): string {
	if (least === undefined) {
		return most === undefined ? "" : `at most ${most}${unit}`;
	}
	return most === undefined ? `${least} or more${unit}` : `${least} to ${most}${unit}`;
}
