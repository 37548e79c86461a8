import type { QueryResultRow } from "pg";

/** One look at a database: all queries of it see the same moment. */
export type Snapshot = <R extends QueryResultRow>(sql: string, values?: unknown[]) => Promise<R[]>;

/** A check that one database answers by itself. */
export interface Check {
	check: string;
	/** The cure of its findings, in a sentence. */
	remedy: string;
	/** Returns `rows`: the number of documents to check. */
	count: string;
	/** Answers `rows`: how many of them are still being worked on. */
	in_progress?: string;
	/** Answers `document` and `what` of each breach. */
	breaches: string;
	/** Parameters of `breaches`. */
	values?: unknown[];
}

/** A check that needs the code of its service, and looks at the rows of a table page by page. */
export interface ComputedCheck extends Pick<Check, "check" | "remedy"> {
	/** Looks at the rows after a key, or at the first ones; `next` is the key of the last row if there may be more. */
	page(query: Snapshot, after: string | undefined): Promise<Computed>;
}

export interface Computed {
	checked: number;
	findings: { document: string; what: string }[];
	next: string | undefined;
}

/** Something of a deleted user that is still there. */
export interface Remnant {
	document: string;
	what: string;
}

/** Checks of `npm run audit` for the database of a service: the default export of `services/<name>/audit.ts`. */
export interface ServiceAudit {
	/** Checks of this database alone, all of them at one moment. */
	checks: Check[];
	computed?: ComputedCheck[];
	/** Finds remaining data of deleted users after `forgetUser`, in a service that has this action. */
	remnants?(query: Snapshot, user_ids: number[]): Promise<Remnant[]>;
}

/** An expression in SQL: the value of a text as a uuid; null where it is none. */
export const asUuid = (text: string) =>
	`CASE WHEN pg_input_is_valid(${text}, 'uuid') THEN (${text})::uuid END`;
