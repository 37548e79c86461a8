import type { Database } from "../../contracts/services.ts";
import type { ServiceAudit } from "../../database/audit.ts";
import type { CheckResult } from "./finding.ts";
import { runCheck } from "./look.ts";
import type { Sources } from "./snapshot.ts";

/** How the service with this database has it checked. */
export async function auditOf(database: Database): Promise<ServiceAudit> {
	return (await import(`../../services/${database}/audit.ts`)).default;
}

/** The checks that a service brings: its database answers them alone, and is seen at one moment. */
export async function checkService(sources: Sources, database: Database): Promise<CheckResult[]> {
	const { checks } = await auditOf(database);
	return sources.snapshot(database, async (query) => {
		const results: CheckResult[] = [];
		for (const check of checks) {
			results.push(await runCheck(query, check));
		}
		return results;
	});
}
