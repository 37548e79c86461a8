import { setImmediate as immediate } from "node:timers/promises";

// Program of a process that collects garbage between ticks, for tick-objects.test.ts: with the argument `command`, it begins like every
// command of the shop.

const ROUNDS = 5;
const TICKS = 500;
/** V8 retains maps without objects for some collections. */
const COLLECTIONS = 10;

const { gc } = globalThis;
if (process.argv[2] === "command") {
	await import("../../cli/startup/startup-checks.ts");
}
for (let round = 0; round < ROUNDS; round++) {
	for (let number = 0; number < TICKS; number++) {
		await new Promise<void>((resolve) => process.nextTick(resolve));
	}
	for (let number = 0; number < COLLECTIONS; number++) {
		gc?.();
		await immediate();
	}
}
