import { beforeEach, expect, test } from "@jest/globals";
import { FAILURES_MAX, StuckEvents } from "../../events/stuck-events.ts";

let stuck: StuckEvents;
let now: number;

beforeEach(() => {
	now = 0;
	stuck = new StuckEvents(() => now);
});

const event = (aggregate: string, position = aggregate) => ({
	...{ aggregate, position, name: "order.completed", sequence: 1 },
});
const failure = (aggregate: string, position?: string) => ({
	event: event(aggregate, position),
	error: new Error("503"),
});

/** Records a batch in which the first event fails and another one is acknowledged. */
function failBesideOthers(position?: string) {
	now += 10_000;
	return stuck.record([event("a", position), event("b")], [failure("a", position)], true);
}

test("an event that keeps failing while others are acknowledged is to be put aside", () => {
	for (let failures = 1; failures < FAILURES_MAX; failures++) {
		expect(failBesideOthers()).toEqual([]);
	}
	expect(failBesideOthers()).toEqual([expect.objectContaining(failure("a"))]);
	expect(stuck.reason).toBeUndefined();
});

test("its aggregate waits longer after each failure", () => {
	const waits: number[] = [];
	for (let failures = 0; failures < 6; failures++) {
		failBesideOthers();
		const failed_at = now;
		while (stuck.excluded()[0]?.length) {
			now += 100;
		}
		waits.push(now - failed_at);
	}
	expect(waits).toEqual([100, 200, 400, 800, 1600, 2000]);
});

test("an event that is acknowledged in the end, or another one of the same aggregate, begins anew", () => {
	for (let failures = 1; failures < FAILURES_MAX; failures++) {
		failBesideOthers();
	}
	stuck.record([event("a")], [], true);
	expect(stuck.reason).toBeUndefined();
	for (let failures = 1; failures < FAILURES_MAX; failures++) {
		expect(failBesideOthers()).toEqual([]);
	}
	expect(failBesideOthers("the next")).toEqual([]);
});

test("failures while nothing is acknowledged do not count", () => {
	for (let failures = 0; failures < 3 * FAILURES_MAX; failures++) {
		expect(stuck.record([event("a"), event("b")], [failure("a"), failure("b")], false)).toEqual([]);
	}
	expect(stuck.record([event("c")], [], true)).toEqual([]);
});

test("after a batch that failed as a whole the next one skips it, or repeats it if there are no others", () => {
	stuck.record([event("a"), event("b")], [failure("a"), failure("b")], false);
	expect(stuck.excluded()).toEqual([["a", "b"], []]);
	stuck.record([event("c")], [failure("c")], false);
	expect(stuck.excluded()).toEqual([[]]);
	stuck.record([event("a"), event("b")], [failure("a"), failure("b")], false);
	expect(stuck.excluded()).toEqual([["a", "b", "c"], []]);
	stuck.record([event("d")], [], true);
	expect(stuck.excluded()).toEqual([["a", "b", "c"]]);
});
