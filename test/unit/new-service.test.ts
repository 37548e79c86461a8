import { expect, test } from "@jest/globals";
import { singular } from "../../cli/new/service-files.ts";

test.each([
	["reviews", "review"],
	["entries", "entry"],
	["wishes", "wish"],
	["addresses", "address"],
	["warehouses", "warehouse"],
	["statuses", "status"],
	["boxes", "box"],
	// No plurals.
	["status", "statusEntry"],
	["bonus", "bonusEntry"],
	["press", "pressEntry"],
	["analysis", "analysisEntry"],
	["news", "newsEntry"],
	["stock", "stockEntry"],
])("one of a service's %s is a %s", (name, one) => {
	expect(singular(name)).toBe(one);
});
