import { expect, test } from "@jest/globals";
import { problem } from "../../contracts/problems.ts";
import { Interrupted, Refused } from "../../services/notifications/channel.ts";
import { outcomeOf } from "../../services/notifications/channel-queue.ts";

const NEW = queued(0);
const OLD = queued(6);

/** A message that has been waiting for this number of days. */
function queued(days: number) {
	const at = new Date(Date.now() - days * 86_400_000).toISOString();
	return { history: [{ status: "queued" as const, at }], created_at: at, is_tentative: false };
}

test.each([
	["the recipient's server is away", new Error("connect ECONNREFUSED"), "again", "final"],
	["the recipient's server refuses it", new Refused("550 no such user"), "final", "final"],
	["its user was deleted", problem("USER_NOT_FOUND"), "gone", "gone"],
	["the delivery worker was killed", new Interrupted("the delivery worker has exited"), "again", "again"],
	["another service does not respond", problem("UNAVAILABLE"), "again", "again"],
])("a message is retried or not if %s", (_, error, outcomeOfNew, outcomeOfOld) => {
	expect(outcomeOf(NEW, error)).toBe(outcomeOfNew);
	expect(outcomeOf(OLD, error)).toBe(outcomeOfOld);
});

test("a message is as old as its last place in the queue", () => {
	const history = [...OLD.history, { status: "failed" as const, at: OLD.created_at }, ...NEW.history];
	expect(outcomeOf({ ...OLD, history }, new Error("connect ECONNREFUSED"))).toBe("again");
});
