import { expect, test } from "@jest/globals";
import { parseResponse } from "../../tools/bench/http-connection.ts";
import { parseMachineTime } from "../../tools/bench/machine.ts";
import { MailLedger } from "../../tools/bench/mail-ledger.ts";
import { byFunction, byPackage } from "../../tools/bench/profiles.ts";
import { componentOf } from "../../tools/bench/side.ts";
import { median, percentile, spread } from "../../tools/bench/statistics.ts";

test("the median of an even count is the mean of the two middle values, and nothing is sorted in place", () => {
	const values = [9, 1, 5, 3];
	expect(median(values)).toBe(4);
	expect(median([10, 2, 9])).toBe(9);
	expect(median([])).toBeNaN();
	expect(values).toEqual([9, 1, 5, 3]);
});

test("a percentile is a value that was measured", () => {
	const hundred = Array.from({ length: 100 }, (_, index) => 100 - index);
	expect(percentile(hundred, 0.5)).toBe(50);
	expect(percentile(hundred, 0.99)).toBe(99);
	expect(percentile([7], 0.99)).toBe(7);
	expect(percentile([], 0.99)).toBeNaN();
});

test("the spread is the distance of the extremes as a share of the median", () => {
	expect(spread([80, 100, 120])).toBeCloseTo(0.4);
	expect(spread([5])).toBe(0);
});

const ANSWERS = [
	["HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello", 201, "hello"],
	["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", 200, "hello"],
	["HTTP/1.1 204 No Content\r\nDate: today\r\n\r\n", 204, ""],
] as const;

test.each(ANSWERS)("%j is read once it is all there", (text, status, body) => {
	for (let length = 0; length < text.length; length++) {
		expect(parseResponse(Buffer.from(text.slice(0, length)))).toBeUndefined();
	}
	const answer = parseResponse(Buffer.from(text));
	expect(answer).toMatchObject({ status, closes: false });
	expect(answer?.body.toString()).toBe(body);
});

test("an answer that ends the connection says so", () => {
	const text = "HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
	expect(parseResponse(Buffer.from(text))).toMatchObject({ status: 503, closes: true });
});

test("the machine's time is what all processes used; waiting for a disk is none", () => {
	const stat = "cpu  100 20 30 5000 700 1 2 40 0 0\ncpu0 50 10 15 2500 350 0 1 20 0 0\n";
	expect(parseMachineTime(stat)).toEqual({ busy_ms: 1530, stolen_ms: 400 });
});

test("mails are compared with those that are due, whatever comes first", () => {
	const ledger = new MailLedger();
	ledger.begin();
	const at_ms = performance.timeOrigin + performance.now() + 60_000;
	ledger.receive([
		{ mark: undefined, at_ms },
		{ mark: "#TK-1", at_ms },
	]);
	expect(ledger.outstanding).toBe(0);
	ledger.expect("#TK-1", 1);
	ledger.expect("#TK-1", 1, true);
	ledger.expect("#TK-2", 2);
	expect(ledger.outstanding).toBe(3);
	ledger.receive(["#TK-1", "#TK-1", "#TK-2"].map((mark) => ({ mark, at_ms })));
	ledger.end();
	const summary = ledger.summary();
	expect(summary).toMatchObject({ missing: 1, doubled: 1, completed: 1 });
	expect(summary.p50_ms).toBeGreaterThan(0);
});

test("what was complete in an earlier turn is not counted again; what is missing stays so", () => {
	const ledger = new MailLedger();
	ledger.begin();
	ledger.expect("#TK-1", 1);
	ledger.expect("#TK-2", 1);
	ledger.receive([{ mark: "#TK-1", at_ms: performance.timeOrigin + performance.now() }]);
	ledger.end();
	expect(ledger.summary()).toMatchObject({ completed: 1, missing: 1 });
	ledger.begin();
	ledger.end();
	expect(ledger.summary()).toMatchObject({ completed: 0, missing: 1 });
});

test.each([
	["/usr/bin/node --disable-warning=DEP0174 /shop/cli/start.ts", "all in one"],
	["node --disable-warning=DEP0174 cli/node.ts orders", "orders"],
	["node /toko/bench/limits/five.ts api", "api"],
	["node /toko/bench/limits/one.ts", "all in one"],
	["node /shop/cli/cluster.ts", "process manager"],
	["node /shop/services/notifications/delivery-worker.ts", "delivery-worker"],
	["/shop/node_modules/postgres -D /tmp/toko/postgres -p 15001", "PostgreSQL"],
	["postgres: toko toko_orders 127.0.0.1(36000) idle", "PostgreSQL"],
	["/shop/.toko/bin/nats-server -c /tmp/toko/nats/nats-server.conf", "NATS"],
	["node cli/run.mjs start", undefined],
	["node /toko/bench/limits/servers.ts", undefined],
])("the process %j is %j", (command, part) => {
	expect(componentOf(command)).toBe(part);
});

test("a profile is read as shares of the time in which the process worked", () => {
	const frame = (functionName: string, url = "") => ({ functionName, url, lineNumber: 6 });
	const profile = {
		nodes: [
			{ id: 1, callFrame: frame("(root)"), children: [2, 3, 4, 7] },
			{ id: 2, callFrame: frame("(idle)") },
			{ id: 3, callFrame: frame("(garbage collector)") },
			{ id: 4, callFrame: frame("place", "file:///shop/services/orders/place.ts"), children: [5] },
			{ id: 5, callFrame: frame("query", "file:///shop/node_modules/pg/lib/client.js"), children: [6] },
			{ id: 6, callFrame: frame("writev", "node:internal/stream") },
			{ id: 7, callFrame: frame("post", "node:inspector") },
		],
		samples: [2, 3, 4, 6, 2, 7],
		timeDeltas: [900, 100, 200, 100, 900, 500],
	};
	expect(byFunction(profile)).toEqual([
		{ where: "place  services/orders/place.ts:7", share: 0.5 },
		{ where: "(garbage collector)", share: 0.25 },
		{ where: "writev  node:internal/stream:7", share: 0.25 },
	]);
	expect(byPackage(profile)).toEqual([
		{ where: "services/orders", share: 0.5 },
		{ where: "(garbage collector)", share: 0.25 },
		{ where: "pg", share: 0.25 },
	]);
});

test.each([
	["file:///data/shop/tools/bench/limits/one.ts", "tools/bench"],
	["file:///shop/events/relay.ts", "events"],
	["file:///elsewhere/programs/other.ts", "elsewhere/programs"],
])("the time of %s counts for %s", (url, where) => {
	const callFrame = { functionName: "run", url, lineNumber: 0 };
	expect(byPackage({ nodes: [{ id: 1, callFrame }], samples: [1], timeDeltas: [100] })).toEqual([
		{ where, share: 1 },
	]);
});
