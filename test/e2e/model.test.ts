import { describe, expect, test } from "@jest/globals";
import { CONFIGURATIONS, FAULTS } from "../../model/configurations.ts";
import { check, findChecker, LIVELOCK } from "../../model/spin.ts";
import { notRun } from "../not-run.ts";

// The large configurations take minutes; run them with `npm run model`.

const checker = await findChecker();

if (checker) {
	describe("The model of the protocol keeps every promise and comes to rest", () => {
		for (const { name, defines } of CONFIGURATIONS.filter(({ isSmall }) => isSmall)) {
			test(name, async () => {
				const { states, counterexample } = await check(checker, defines, "all");
				expect(counterexample).toBeUndefined();
				expect(states).toBeGreaterThan(1000);
			});
		}
	});

	describe("The checker finds", () => {
		for (const { macro, name, defines, isLivelock } of FAULTS) {
			test(name, async () => {
				const search = isLivelock ? "all" : "shortest";
				const { counterexample } = await check(checker, [...defines, `FAULT_${macro}`], search);
				expect(counterexample?.steps.length).toBeGreaterThan(2);
				expect(counterexample?.broken === LIVELOCK).toBe(isLivelock === true);
			});
		}
	});
} else {
	notRun("the model of the protocol", "there is no Spin, or no C compiler: apt-get install spin gcc");
}
