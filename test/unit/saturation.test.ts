import { beforeEach, describe, expect, test } from "@jest/globals";
import { Saturation, type Times } from "../../load/saturation.ts";

const CORES = 4;
let now: number;
let times: Times;
let saturation: Saturation;

beforeEach(() => {
	now = 5000;
	times = { loop: 700, cores: 90_000 };
	saturation = new Saturation(
		() => times,
		CORES,
		() => now,
	);
});

/** Advances the clock with this share of load, and returns whether the process is saturated. */
function pass(ms: number, { loop = 0, cores = 0 }: { loop?: number; cores?: number }): boolean {
	now += ms;
	times = { loop: times.loop + loop * ms, cores: times.cores + cores * ms };
	return saturation.isSaturated;
}

test("a process with a busy event loop is saturated, whatever the other cores do", () => {
	expect(pass(200, { loop: 0.95, cores: 1.1 })).toBe(true);
});

test("a machine with busy cores is saturated, whichever process uses them", () => {
	expect(pass(200, { loop: 0.1, cores: 3.9 })).toBe(true);
});

test.each([
	["a quiet one", { loop: 0.01, cores: 0.1 }],
	["one that is busy and has time left", { loop: 0.85, cores: 3.4 }],
	["one that waits for its disk", { loop: 0.3, cores: 0.8 }],
])("%s is not", (_, working) => {
	expect(pass(200, working)).toBe(false);
});

describe("what was saturated", () => {
	beforeEach(() => {
		expect(pass(200, { loop: 1, cores: 4 })).toBe(true);
	});

	test("counts as saturated until a second has passed without saturation", () => {
		for (let passed = 100; passed < 1000; passed += 100) {
			expect(pass(100, { loop: 0.2, cores: 1 })).toBe(true);
		}
		expect(pass(100, { loop: 0.2, cores: 1 })).toBe(false);
	});

	test("restarts that second with each saturated interval", () => {
		pass(900, { loop: 0.2, cores: 1 });
		pass(100, { loop: 1, cores: 2 });
		expect(pass(900, { loop: 0.2, cores: 1 })).toBe(true);
		expect(pass(100, { loop: 0.2, cores: 1 })).toBe(false);
	});
});

test("shorter spans than a tenth of a second are judged together", () => {
	expect(pass(10, { loop: 1, cores: 4 })).toBe(false);
	expect(pass(95, { loop: 0.2, cores: 1 })).toBe(false);
	expect(pass(50, { loop: 1, cores: 4 })).toBe(false);
	expect(pass(60, { loop: 1, cores: 4 })).toBe(true);
});
