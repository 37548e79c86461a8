import type { Database } from "../../contracts/services.ts";
import type { Check, Snapshot } from "../../database/audit.ts";
import type { CheckResult, Finding } from "./finding.ts";
import type { Sources } from "./snapshot.ts";

/** Maximum number of findings reported per check; enough to show that a whole table is wrong. */
export const FINDINGS_MAX = 1000;
/** Number of rows of a large table held in memory at a time. */
const PAGE = 1000;

/**
 * Runs a check. PostgreSQL does the comparison, so that memory holds only the findings. A check that fails does not
 * affect later checks in the same snapshot.
 */
export async function runCheck(query: Snapshot, check: Check): Promise<CheckResult> {
	await query("SAVEPOINT before_check");
	try {
		return await execute(query, check);
	} catch (error) {
		// If the connection is lost, this fails too, and the whole group fails.
		await query("ROLLBACK TO SAVEPOINT before_check");
		return failedCheck(check.check, error as Error);
	}
}

async function execute(
	query: Snapshot,
	{ check, remedy, count, in_progress, breaches, values = [] }: Check,
): Promise<CheckResult> {
	const countRows = async (sql: string) => (await query<{ rows: number }>(sql))[0]?.rows ?? 0;
	return {
		...{ check, remedy },
		checked: await countRows(count),
		in_progress: in_progress ? await countRows(in_progress) : 0,
		findings: await query<{ document: string; what: string }>(
			// Sorted, so that each round reports the same findings.
			`SELECT document, what FROM (${breaches}) AS found (document, what) ORDER BY 1, 2 LIMIT ${FINDINGS_MAX}`,
			values,
		),
	};
}

/** Returns the result for a check, or a group of checks, that failed. */
export function failedCheck(check: string, { message }: Error): CheckResult {
	return {
		check,
		remedy:
			"Fix the cause that the message names, or report it as a bug in the audit: until then this is not checked.",
		checked: 0,
		in_progress: 0,
		findings: [{ document: `check "${check}"`, what: `could not be checked: ${message}` }],
	};
}

/** The result of a check that compares several databases, page by page. */
export class PagedCheckResult implements CheckResult {
	readonly check: string;
	readonly remedy: string;
	checked = 0;
	in_progress = 0;
	readonly findings: Finding[] = [];
	readonly not_judged: string[] = [];

	constructor(check: string, cure: string) {
		this.check = check;
		this.remedy = cure;
	}

	/** Adds a breach with the data that a repair needs, up to the maximum number of findings. */
	add(document: string, what: string, repair: Omit<Finding, "document" | "what"> = {}): void {
		if (this.findings.length < FINDINGS_MAX) {
			this.findings.push({ document, what, ...repair });
		}
	}

	addAll(findings: Finding[]): void {
		for (const { document, what, ...repair } of findings) {
			this.add(document, what, repair);
		}
	}
}

/**
 * Reads a large table page by page, each page in its own snapshot.
 *
 * @param sql Returns at most `$2` rows with keys above `$1`, ordered by `key`.
 * @param first A key lower than all others.
 * @param values Parameters from `$3` on.
 */
export async function* pages<R extends { key: number | string }>(
	sources: Sources,
	database: Database,
	sql: string,
	first: R["key"],
	values: unknown[] = [],
): AsyncGenerator<R[]> {
	let after: R["key"] | undefined = first;
	while (after !== undefined) {
		const last: R["key"] = after;
		const rows: R[] = await sources.snapshot(database, (query) => query<R>(sql, [last, PAGE, ...values]));
		if (rows.length > 0) {
			yield rows;
		}
		after = rows[PAGE - 1]?.key;
	}
}
