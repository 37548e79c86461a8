import type { Database } from "../../contracts/services.ts";
import type { ComputedCheck, ServiceAudit } from "../../database/audit.ts";
import { failedCheck, PagedCheckResult, runCheck } from "./check.ts";
import type { CheckResult } from "./finding.ts";
import type { Sources } from "./snapshot.ts";

/** Checks that the service with this database has declared. */
export async function auditOf(database: Database): Promise<ServiceAudit> {
	return (await import(`../../services/${database}/audit.ts`)).default;
}

/**
 * The checks that a service brings: its database answers them alone, and is seen at one moment. Computed checks see each
 * page at a moment of its own.
 */
export async function checkService(sources: Sources, database: Database): Promise<CheckResult[]> {
	const { checks, computed = [] } = await auditOf(database);
	const results = await sources.snapshot(database, async (query) => {
		const results: CheckResult[] = [];
		for (const check of checks) {
			results.push(await runCheck(query, check));
		}
		return results;
	});
	for (const check of computed) {
		results.push(
			await runComputed(sources, database, check).catch((error: Error) => failedCheck(check.check, error)),
		);
	}
	return results;
}

async function runComputed(sources: Sources, database: Database, check: ComputedCheck): Promise<CheckResult> {
	const result = new PagedCheckResult(check.check, check.remedy);
	let after: string | undefined;
	do {
		const page = await sources.snapshot(database, (query) => check.page(query, after));
		result.checked += page.checked;
		result.addAll(page.findings);
		after = page.next;
	} while (after !== undefined);
	return result;
}
