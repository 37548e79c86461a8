import type { PoolClient } from "pg";
import { type ActionName, allActions, callAction } from "../../contracts/actions.ts";
import type { UsersService } from "./service.ts";

/** Maximum time for which a deletion waits for the other services. */
const TIMEOUT_MS = 1000;

type ForgetUser = Extract<ActionName, `${string}.forgetUser`>;

/** The services that keep something of people, with the action by which each forgets a deleted one. */
const ERASURE_ACTIONS = new Map(
	[...allActions()].flatMap(([name, { of }]) =>
		name.endsWith(".forgetUser") ? [[of.name, name as ForgetUser]] : [],
	),
);

/** Notes in the transaction of a deletion that each of them is to forget the user: a job for each. */
export async function planErasure(client: PoolClient, user_id: number): Promise<void> {
	await client.query(
		`SELECT graphile_worker.add_job('forget_' || service, json_build_object('user_id', $1::integer), max_attempts => 32767)
		FROM unnest($2::text[]) AS service`,
		[user_id, [...ERASURE_ACTIONS.keys()]],
	);
}

/** The tasks of these jobs. */
export function erasureTasks({ broker }: UsersService) {
	return Object.fromEntries(
		[...ERASURE_ACTIONS].map(([service, action]) => [
			`forget_${service}`,
			async (payload: unknown) => {
				await callAction(broker, action, payload as { user_id: number });
			},
		]),
	);
}

/** Notifies the other services at once, so that a deleted user cannot order with a token still valid. Jobs guarantee it. */
export async function propagateDeletion({ broker, logger }: UsersService, user_id: number): Promise<void> {
	const options = { timeout: TIMEOUT_MS, retries: 0 };
	await Promise.all(
		[...ERASURE_ACTIONS].map(([service, action]) =>
			callAction(broker, action, { user_id }, options).catch((error: Error) =>
				logger.warn(
					`Could not tell ${service} that user ${user_id} is deleted, a job will: ${error.message}`,
				),
			),
		),
	);
}
