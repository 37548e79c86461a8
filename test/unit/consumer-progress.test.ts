import { beforeEach, describe, expect, test } from "@jest/globals";
import { ConsumerProgress } from "../../events/consumer-progress.ts";

const MINUTE = 60_000;
let progress: ConsumerProgress;

beforeEach(() => {
	progress = new ConsumerProgress("orders");
});

describe("a consumer that is slower than events come", () => {
	/** Reports one sample per minute of a backlog that grows although events are processed. */
	const lines = (minutes: number, from = 0) =>
		Array.from({ length: minutes }, (_, minute) =>
			progress.record(
				{ unfinished: 2000 + 500 * (from + minute), floor: 100 * (from + minute) },
				(from + minute) * MINUTE,
			),
		).filter((line) => line !== undefined);

	test("is reported once, after some minutes, with a remedy", () => {
		expect(lines(5)).toEqual([]);
		expect(lines(60, 5)).toEqual([
			"4500 events are waiting for orders, more than 1000 for 5 minutes: it is slower than they arrive; start another process of it",
		]);
	});

	test("and again when it has caught up", () => {
		lines(10);
		expect(progress.record({ unfinished: 3, floor: 9000 }, 11 * MINUTE)).toBe(
			"orders has caught up with its events",
		);
		expect(progress.record({ unfinished: 0, floor: 9003 }, 12 * MINUTE)).toBeUndefined();
	});

	test("does not stand still", () => {
		lines(10);
		expect(progress.lag(0, 10 * MINUTE)).toBeUndefined();
	});
});

test("a burst that ends within minutes is not reported", () => {
	for (let minute = 0; minute < 30; minute++) {
		const unfinished = minute % 4 === 3 ? 10 : 50_000;
		expect(progress.record({ unfinished, floor: minute }, minute * MINUTE)).toBeUndefined();
	}
});

describe("a consumer that handles nothing", () => {
	test("is reported after a minute and a half, counted from when NATS is available", () => {
		progress.record({ unfinished: 7, floor: 3 }, 0);
		progress.record({ unfinished: 8, floor: 3 }, MINUTE);
		expect(progress.lag(0, 1.4 * MINUTE)).toBeUndefined();
		expect(progress.lag(0, 2 * MINUTE)).toBe(
			"8 events are waiting for orders, and none was processed for 120 s",
		);
		expect(progress.lag(MINUTE, 2 * MINUTE)).toBeUndefined();
	});

	test("is not reported if there is nothing to handle", () => {
		progress.record({ unfinished: 0, floor: 3 }, 0);
		progress.record({ unfinished: 0, floor: 3 }, 10 * MINUTE);
		expect(progress.lag(0, 11 * MINUTE)).toBeUndefined();
	});

	test("reports why it cannot be inspected, each reason once", () => {
		expect(progress.recordFailure("TIMEOUT", 0)).toBe(true);
		expect(progress.recordFailure("TIMEOUT", MINUTE)).toBe(false);
		expect(progress.lag(0, 2 * MINUTE)).toBe("the consumer orders has been unreachable for 120 s: TIMEOUT");
	});
});
