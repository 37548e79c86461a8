import fc from "fast-check";

/** The subset of JSON Schema used by the OpenAPI document. */
export interface Schema {
	$ref?: string;
	type?: string | string[];
	const?: unknown;
	enum?: unknown[];
	anyOf?: Schema[];
	format?: string;
	pattern?: string;
	minLength?: number;
	maxLength?: number;
	minimum?: number;
	maximum?: number;
	items?: Schema;
	minItems?: number;
	maxItems?: number;
	properties?: Record<string, Schema>;
	additionalProperties?: Schema | boolean;
	minProperties?: number;
	maxProperties?: number;
	required?: string[];
}

/** Maximum length of generated lists, and maximum of generated numbers. */
const MANY = 4;
const LARGE = 1_000_000;

/** Schemas of the document, and values by field name that refer to existing records. */
export interface Knowledge {
	schemas: Record<string, Schema>;
	fields: Record<string, string[]>;
}

/** Generates values valid for a schema. Some may violate rules that JSON Schema cannot express. */
export function valid(schema: Schema, knowledge: Knowledge): fc.Arbitrary<unknown> {
	const of = (inner: Schema) => valid(inner, knowledge);
	if (schema.$ref) {
		return of(knowledge.schemas[schema.$ref.split("/").at(-1) as string] as Schema);
	}
	if (schema.const !== undefined) {
		return fc.constant(schema.const);
	}
	if (schema.enum) {
		return fc.constantFrom(...schema.enum);
	}
	if (schema.anyOf) {
		return fc.oneof(...schema.anyOf.map(of));
	}
	if (Array.isArray(schema.type)) {
		return fc.oneof(...schema.type.map((type) => of({ ...schema, type })));
	}
	switch (schema.type) {
		case "null":
			return fc.constant(null);
		case "boolean":
			return fc.boolean();
		case "integer":
			return fc.integer({ min: schema.minimum ?? -LARGE, max: Math.min(schema.maximum ?? LARGE, LARGE) });
		case "number":
			return fc.integer({ min: schema.minimum ?? 0, max: Math.min(schema.maximum ?? LARGE, LARGE) });
		case "array":
			return fc.array(of(schema.items ?? {}), {
				minLength: schema.minItems ?? 0,
				maxLength: Math.min(schema.maxItems ?? MANY, MANY),
			});
		case "object":
			if (typeof schema.additionalProperties === "object") {
				const { minProperties: minKeys = 0, maxProperties: maxKeys = MANY } = schema;
				return fc.dictionary(fc.string({ minLength: 1 }), of(schema.additionalProperties), {
					minKeys,
					maxKeys,
				});
			}
			return fc.record(
				Object.fromEntries(
					Object.entries(schema.properties ?? {}).map(([name, inner]) => {
						const there = knowledge.fields[name];
						return [name, there ? mostly(fc.constantFrom(...there), of(inner)) : of(inner)];
					}),
				),
				{ requiredKeys: schema.required ?? [] },
			);
		case "string":
			return text(schema);
		default:
			return fc.jsonValue();
	}
}

/** Generates from the first with a probability of 90 %, otherwise from the second. */
export function mostly(one: fc.Arbitrary<unknown>, other: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
	return fc.oneof({ arbitrary: one, weight: 9 }, { arbitrary: other, weight: 1 });
}

function text({ format, pattern, minLength = 0, maxLength = 50 }: Schema): fc.Arbitrary<string> {
	switch (format) {
		case "email":
			// Unusual addresses, and ones that every server accepts.
			return fc.oneof(
				fc.emailAddress(),
				fc.uuid().map((name) => `${name}@toko.test`),
			);
		case "uri":
			return fc.webUrl();
		case "uuid":
			return fc.uuid();
		case "date-time":
			return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
	}
	return pattern
		? fc.stringMatching(new RegExp(pattern))
		: fc.string({ unit: "grapheme", minLength, maxLength: Math.min(maxLength, minLength + 40) });
}

/** Generates a value with an error in it, or an arbitrary value. */
export function invalid(schema: Schema, knowledge: Knowledge): fc.Arbitrary<unknown> {
	if (schema.$ref) {
		return invalid(knowledge.schemas[schema.$ref.split("/").at(-1) as string] as Schema, knowledge);
	}
	const names = Object.keys(schema.properties ?? {});
	const spoilt =
		names.length === 0
			? []
			: [
					fc
						.tuple(valid(schema, knowledge), fc.constantFrom(...names, "unknown", "__proto__"), strange)
						.map(([value, name, other]) => ({ ...(value as object), [name]: other })),
				];
	return fc.oneof(strange, ...spoilt);
}

/** Generates values that often cause errors in programs. */
const strange = fc.oneof(
	fc.constantFrom<unknown>(
		null,
		true,
		-1,
		1e308,
		1.5,
		"",
		" ",
		"\u0000",
		"\ud800",
		[],
		{},
		{ $gt: "" },
		"null",
		"../..",
	),
	fc.string({ unit: "binary", maxLength: 300 }),
	fc.jsonValue({ maxDepth: 3 }),
	fc.double(),
);
