import { expect } from "@jest/globals";
import type { Db } from "mongodb";
import { addMove, closedStore, type Move, readMove } from "../../database/store-move.ts";
import { registerProcess, runningProcesses } from "../../database/store-processes.ts";
import { takeLease } from "../../tools/move/lease.ts";
import { eventually } from "./shop.ts";
import { onMongo } from "./stores.ts";
import { openDatabases, refusal } from "./two-stores.ts";

const incoming: Move = { state: "incoming", from: "a file", id: "one", token: "two", isBegun: true };

onMongo("at most one of a starting process and a simultaneous move proceeds", async () => {
	const rounds = openDatabases(12).map(async (db) => {
		const close = async () => {
			await addMove(db, incoming);
			return runningProcesses(db);
		};
		const [process, running] = await Promise.allSettled([
			registerProcess(db, "one", String, () => undefined),
			close(),
		]);
		if (process.status === "fulfilled") {
			expect(running).toEqual({ status: "fulfilled", value: ["one"] });
			await process.value.stop();
			expect(await runningProcesses(db)).toEqual([]);
		}
	});
	await Promise.all(rounds);
});

onMongo("killed processes and killed moves block nothing", async () => {
	const [processes, lease] = openDatabases(2) as [Db, Db];
	await processes
		.collection<{ _id: string; beats: number }>("processes")
		.insertOne({ _id: "dead", beats: 7 });
	await addMove(lease, { state: "outgoing", to: "a file", token: "dead", beats: 7 });
	const [running, registration] = await Promise.all([
		runningProcesses(processes),
		registerProcess(lease, "one", String, () => undefined),
	]);
	expect(running).toEqual([]);
	expect(await readMove(lease)).toBeUndefined();
	expect(await runningProcesses(lease)).toEqual(["one"]);
	await registration.stop();
});

onMongo("a move in progress blocks processes from starting, and other moves", async () => {
	const [db] = openDatabases(1) as [Db];
	const lease = await takeLease(db, "the server", "a file", "one", undefined);
	const refused = /^products are being moved from the server to a file: wait until /;
	const refuse = (found: Move) => closedStore("products", "the server", found);
	expect(await refusal(registerProcess(db, "one", refuse, () => undefined))).toMatch(refused);
	expect(await refusal(takeLease(db, "the server", "another", "two", undefined))).toMatch(refused);
	// An earlier attempt of the same move, whose process is dead, is replaced at once, and can close nothing any more.
	const next = await takeLease(db, "the server", "a file", "three", "one");
	const moved: Move = { state: "moved", to: "a file", isOnServer: false, id: "id" };
	expect(await lease.close(moved)).toBe(false);
	await next.release();
	const registration = await registerProcess(db, "one", refuse, () => undefined);
	await registration.stop();
});

onMongo("a process that was considered dead ends when it finds the store closed", async () => {
	const [db] = openDatabases(1) as [Db];
	const closed: string[] = [];
	const registration = await registerProcess(
		db,
		"one",
		({ state }) => state,
		(line) => closed.push(line),
	);
	await db.collection("processes").deleteMany({});
	await addMove(db, incoming);
	await eventually("its end", async () => closed.length > 0);
	expect(closed).toEqual(["incoming"]);
	await registration.stop();
});
