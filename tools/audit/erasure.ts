import { databases } from "../../contracts/services.ts";
import { PagedCheckResult, pages } from "./check.ts";
import type { CheckResult } from "./finding.ts";
import { IS_POSTPONED, IS_STUCK, JOBS } from "./jobs.ts";
import { auditOf } from "./services.ts";
import type { Sources } from "./snapshot.ts";

interface DeletedUser {
	key: number;
	/** Tasks of jobs that are still to tell a service. */
	tasks: string[];
}

/** Checks that a deleted user is erased everywhere: each service that stores personal data was notified and deleted it. */
export async function checkErasure(sources: Sources): Promise<CheckResult[]> {
	const result = new PagedCheckResult(
		"a deleted user is erased everywhere",
		"Start users and the named service: jobs and the hourly sweep erase the data; if there is no job left, add `forget_<service>`, such as `forget_orders`, with the user_id.",
	);
	const deleted = pages<DeletedUser>(
		sources,
		"users",
		`SELECT id AS key, ARRAY(
			SELECT task FROM ${JOBS} WHERE starts_with(task, 'forget_') AND payload->>'user_id' = users.id::text
				AND attempts < max_attempts AND NOT ${IS_STUCK} AND NOT ${IS_POSTPONED}
		) AS tasks
		FROM users WHERE deleted_at IS NOT NULL AND id > $1 ORDER BY id LIMIT $2`,
		0,
	);
	for await (const page of deleted) {
		result.checked += page.length;
		for (const database of databases) {
			const { remnants } = await auditOf(database);
			const erased = page.filter(({ tasks }) => !tasks.includes(`forget_${database}`)).map(({ key }) => key);
			result.in_progress += page.length - erased.length;
			result.addAll((await sources.snapshot(database, async (query) => remnants?.(query, erased))) ?? []);
		}
	}
	await addRestored(sources, result);
	return [result];
}

/**
 * Finds users that are deleted in orders but present in users. They reappear only when users is restored from an older
 * backup.
 */
async function addRestored(sources: Sources, result: PagedCheckResult): Promise<void> {
	const deleted = pages<{ key: number }>(
		sources,
		"orders",
		"SELECT user_id AS key FROM deleted_users WHERE user_id > $1 ORDER BY user_id LIMIT $2",
		-(2 ** 31),
	);
	for await (const page of deleted) {
		const restored = await sources.snapshot("users", (query) =>
			query<{ id: number }>("SELECT id FROM users WHERE id = ANY ($1) AND deleted_at IS NULL", [
				page.map(({ key }) => key),
			]),
		);
		for (const { id } of restored) {
			result.add(`user ${id}`, "was deleted, as orders knows, but exists again");
		}
	}
}
