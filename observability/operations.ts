import { errorTypeOf } from "../errors/kinds.ts";
import { queries } from "./metrics.ts";
import { isMeasured } from "./registry.ts";
import { type DurationSeries, observeSince } from "./series.ts";
import { activeSpans, isTraced, startOperation } from "./tracing.ts";

/** First words of statements; all others are `OTHER`. */
const STATEMENTS = [
	"SELECT",
	"INSERT",
	"UPDATE",
	"DELETE",
	"WITH",
	"BEGIN",
	"COMMIT",
	"ROLLBACK",
	"SET",
	"COPY",
];

const doNothing = () => undefined;

/**
 * Begins to measure a query.
 *
 * @param statement Text, or an object with the text, as clients of PostgreSQL take it.
 * @returns Function to be called at its end, with the error if it failed.
 */
export function measureQuery(database: string, statement: unknown): (error?: unknown) => void {
	if (!isMeasured && !isTraced()) {
		return doNothing;
	}
	const text = typeof statement === "string" ? statement : (statement as { text?: unknown } | null)?.text;
	const [first = ""] = /^\s*\w+/.exec(typeof text === "string" ? text : "") ?? [];
	const word = first.trim().toUpperCase();
	const operation = STATEMENTS.includes(word) ? word : "OTHER";
	return measureOperation("postgresql", database, operation, typeof text === "string" ? text : undefined);
}

/** Begins to measure an operation on a database, like `measureQuery`. */
function measureOperation(
	system: string,
	db_namespace: string,
	db_operation_name: string,
	text?: string,
): (error?: unknown) => void {
	const begun = performance.now();
	const name = `${db_operation_name} ${db_namespace}`;
	const endSpan = startOperation({
		name,
		kind: "client",
		attributes: () => ({
			"db.system.name": system,
			"db.namespace": db_namespace,
			"db.operation.name": db_operation_name,
			...(text === undefined ? {} : { "db.query.text": withoutLiterals(text) }),
		}),
		begun,
	});
	return (error) => {
		if (isMeasured && error) {
			observeSince(queries, { db_namespace, db_operation_name }, begun, sqlState(error));
		} else if (isMeasured) {
			const durations = succeeded.get(name) ?? queries.series({ db_namespace, db_operation_name });
			succeeded.set(name, durations);
			durations.observe(begun, performance.now(), activeSpans()[0]);
		}
		endSpan?.(error);
	};
}

/** Durations of the operations that succeeded, by the names of their spans. */
const succeeded = new Map<string, DurationSeries>();

/** Maximum length of a statement in a trace, in characters. */
const TEXT_MAX = 2000;

/**
 * Removes literals from a statement, which may be personal data: Sequelize writes values into some. A text with other quotes than
 * `'…'` is left out.
 */
export function withoutLiterals(text: string): string {
	if (/\b[ebnux]&?'|\$\w*\$/i.test(text)) {
		return "";
	}
	return text
		.replace(/--.*/g, "")
		.replace(/'(?:[^']|'')*'?/g, "?")
		.replace(/(?<![\w$])\d+(\.\d+)?\b/g, "?")
		.replace(/\s+/g, " ")
		.trim()
		.slice(0, TEXT_MAX);
}

/** Returns the SQLSTATE of an error, or its kind. */
function sqlState(error: unknown): string {
	const { code } = error as { code?: unknown };
	return typeof code === "string" && /^[0-9A-Z]{5}$/.test(code) ? code : errorTypeOf(error);
}

/**
 * Measures methods of a database's client that return promises.
 *
 * @param system Kind of the database, by the names of OpenTelemetry.
 */
export function measureMethods(
	client: object,
	system: string,
	database: string,
	names: readonly string[],
): void {
	if (!isMeasured && !isTraced()) {
		return;
	}
	const methods = client as Record<string, (...args: unknown[]) => Promise<unknown>>;
	for (const name of names) {
		const method = methods[name] as (...args: unknown[]) => Promise<unknown>;
		methods[name] = async function measured(this: unknown, ...args) {
			const end = measureOperation(system, database, name);
			try {
				const result = await method.apply(this, args);
				end();
				return result;
			} catch (error) {
				end(error);
				throw error;
			}
		};
	}
}
