import { callAction } from "../../contracts/actions.ts";
import type { PostgresService } from "../../database/postgres-service.ts";
import type { ConsistencyCheck } from "../../events/consistency.ts";
import { isOlder, withAction } from "../../mixins/consistency.ts";

/**
 * Checks that every user with orders exists: rows of users are never deleted, so a missing one means that the database
 * was restored from an older copy. Users whose loss the operator has accepted still have an event sequence.
 */
export const usersConsistent: ConsistencyCheck<PostgresService> = withAction(
	"v1.orders.newestUsers",
	async function () {
		const { user_ids } = await callAction(this.broker, "v1.orders.newestUsers", {});
		const { rows } = await this.pool.query<{ id: number }>(
			`SELECT id FROM unnest($1::integer[]) AS known (id)
			WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = known.id)
				AND NOT EXISTS (SELECT FROM event_sequences s WHERE s.aggregate = 'user:' || known.id)
			LIMIT 1`,
			[user_ids],
		);
		return rows[0] && isOlder("users", `orders has orders of user ${rows[0].id}`);
	},
);
