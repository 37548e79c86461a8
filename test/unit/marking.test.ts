import { expect, test } from "@jest/globals";
import pg from "pg";
import { marking, type SentMessage } from "../../services/notifications/marking.ts";
import type { Sent } from "../../services/notifications/queue.ts";

const left = (id: string): SentMessage => ({ id, recipient: `${id}@toko.test`, subject: null });

/** Returns a database that fails `failures` times, with a simulated clock. */
function setUp(failures: number, error: () => Error) {
	const marked: string[][] = [];
	const pauses: number[] = [];
	const lines: string[] = [];
	let tries = 0;
	const { mark, markAgain } = marking({
		async write(sent: readonly Sent[]) {
			if (tries++ < failures) {
				throw error();
			}
			marked.push(sent.map(({ id }) => id));
		},
		async wait(pause_ms) {
			pauses.push(pause_ms);
		},
		warn: (line) => lines.push(line),
	});
	return { mark, markAgain, marked, pauses, lines };
}

const away = () => Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });

function refusal(code: string): Error {
	return Object.assign(new pg.DatabaseError("no space left on device", 0, "error"), { code });
}

const sum = (numbers: number[]) => numbers.reduce((one, other) => one + other, 0);

test("a sent message is marked however long the database is unavailable, without a log line", async () => {
	const { mark, marked, pauses, lines } = setUp(100, away);
	await mark(left("one"));
	expect(marked).toEqual([["one"]]);
	expect(sum(pauses)).toBe(10_000);
	expect(lines).toEqual([]);
});

test("a refused mark is retried with backoff, and the reason is logged once", async () => {
	const { mark, marked, pauses, lines } = setUp(100, () => refusal("53100"));
	await mark(left("one"));
	expect(marked).toEqual([["one"]]);
	expect(pauses.slice(0, 6)).toEqual([100, 200, 400, 800, 1600, 3000]);
	expect(Math.max(...pauses)).toBe(3000);
	expect(lines).toEqual(["Messages were sent, but could not be marked as sent yet: no space left on device"]);
});

test("a server that goes down does not count as a refusal", async () => {
	const { mark, pauses, lines } = setUp(10, () => refusal("57P01"));
	await mark(left("one"));
	expect(new Set(pauses)).toEqual(new Set([100]));
	expect(lines).toEqual([]);
});

test("messages sent together are marked together after a database outage, but alone after a refusal", async () => {
	const gone = setUp(1, away);
	await Promise.all(["one", "two"].map((id) => gone.mark(left(id))));
	expect(gone.marked).toEqual([["one", "two"]]);
	const refused = setUp(1, () => refusal("23514"));
	await Promise.all(["one", "two"].map((id) => refused.mark(left(id))));
	expect(refused.marked).toEqual([["one"], ["two"]]);
});

test("marks that a crashed server may have forgotten are written again, the last ones", async () => {
	const { mark, markAgain, marked } = setUp(0, away);
	await markAgain();
	expect(marked).toEqual([]);
	await mark(left("one"));
	await mark(left("two"));
	await markAgain();
	expect(marked).toEqual([["one"], ["two"], ["one", "two"]]);
});
