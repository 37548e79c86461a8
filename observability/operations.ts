import { errorTypeOf } from "../errors/kinds.ts";
import { queries } from "./metrics.ts";
import { isMeasured } from "./registry.ts";
import { type DurationSeries, observeSince } from "./series.ts";
import {
	type Attributes,
	activeSpans,
	type EndedOperation,
	isTraced,
	noteError,
	recordOperation,
} from "./tracing.ts";

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

/** An operation that has begun. */
export interface StartedOperation {
	/** Measures the operation, with the error if it failed. */
	end(error?: unknown): void;
}

const NOT_MEASURED: StartedOperation = { end: () => undefined };

/**
 * Begins to measure a query.
 *
 * @param statement Text, or an object with the text, as clients of PostgreSQL take it.
 */
export function measureQuery(database: string, statement: unknown): StartedOperation {
	if (!isMeasured && !isTraced()) {
		return NOT_MEASURED;
	}
	const text = typeof statement === "string" ? statement : (statement as { text?: unknown } | null)?.text;
	const [first = ""] = /^\s*\w+/.exec(typeof text === "string" ? text : "") ?? [];
	const word = first.trim().toUpperCase();
	const operation = STATEMENTS.includes(word) ? word : "OTHER";
	return new Operation(
		operationKind("postgresql", database, operation),
		typeof text === "string" ? text : undefined,
	);
}

/** Operations of a database with the same name. */
interface OperationKind {
	/** Name of the span. */
	name: string;
	system: string;
	labels: { db_namespace: string; db_operation_name: string };
	/** Durations of those that succeeded. */
	succeeded: DurationSeries | undefined;
}

/** Kinds by database and name of the operation. */
const kinds = new Map<string, Map<string, OperationKind>>();

function operationKind(system: string, db_namespace: string, db_operation_name: string): OperationKind {
	const known = kinds.get(db_namespace)?.get(db_operation_name);
	if (known) {
		return known;
	}
	const labels = { db_namespace, db_operation_name };
	const kind = {
		name: `${db_operation_name} ${db_namespace}`,
		system,
		labels,
		succeeded: isMeasured ? queries.series(labels) : undefined,
	};
	const byName = kinds.get(db_namespace) ?? new Map<string, OperationKind>();
	kinds.set(db_namespace, byName.set(db_operation_name, kind));
	return kind;
}

/** A measured operation on a database, which records itself: an operation takes no time for closures and copies. */
class Operation implements StartedOperation, EndedOperation {
	readonly kind = "client";
	readonly begun = performance.now();
	ended = 0;
	error_type: string | undefined;
	hasFailed = false;
	#parents = activeSpans();
	readonly #kind: OperationKind;
	readonly #text: string | undefined;

	constructor(kind: OperationKind, text?: string) {
		this.#kind = kind;
		this.#text = text;
	}

	end(error?: unknown): void {
		const parents = this.#parents;
		// A retained operation would keep the traces of its whole batch, whose operations keep those of others.
		this.#parents = [];
		this.ended = performance.now();
		if (error) {
			noteError(this, error);
			if (isMeasured) {
				observeSince(queries, this.#kind.labels, this.begun, sqlState(error));
			}
		} else {
			this.#kind.succeeded?.observe(this.begun, this.ended, parents[0]);
		}
		recordOperation(parents, this);
	}

	get name(): string {
		return this.#kind.name;
	}

	get attributes(): Attributes {
		const { system, labels } = this.#kind;
		return {
			"db.system.name": system,
			"db.namespace": labels.db_namespace,
			"db.operation.name": labels.db_operation_name,
			...(this.#text === undefined ? {} : { "db.query.text": withoutLiterals(this.#text) }),
		};
	}
}

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
		const kind = operationKind(system, database, name);
		methods[name] = async function measured(this: unknown, ...args) {
			const operation = new Operation(kind);
			try {
				const result = await method.apply(this, args);
				operation.end();
				return result;
			} catch (error) {
				operation.end(error);
				throw error;
			}
		};
	}
}
