import { describe, expect, test } from "@jest/globals";
import { actorOf, ownerOf, userOf } from "../../broker/caller.ts";
import type { Caller } from "../../contracts/actions.ts";

const call = (caller?: Caller) => ({ locals: caller ? { caller } : {} });
const budi = call({ id: 7, role: "user", session_version: 1 });
const admin = call({ id: 1, role: "admin", session_version: 1 });
const service = call({ id: null, role: "service" });

describe("a handler sees of its caller", () => {
	test("the id, which only people have", () => {
		expect([userOf(budi), userOf(admin)]).toEqual([7, 1]);
		expect(() => userOf(service)).toThrow(expect.objectContaining({ type: "FORBIDDEN" }));
		expect(() => userOf(call())).toThrow(expect.objectContaining({ type: "FORBIDDEN" }));
	});

	test("whose rows it may see: those of everybody only as an admin or a service", () => {
		expect([budi, admin, service].map(ownerOf)).toEqual([7, "anybody", "anybody"]);
		expect(() => ownerOf(call())).toThrow(expect.objectContaining({ type: "FORBIDDEN" }));
	});

	test("the name for histories", () => {
		expect([budi, admin, service].map(actorOf)).toEqual(["user:7", "admin:1", "shop"]);
	});
});
