import { once } from "node:events";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { Worker } from "node:worker_threads";
import { expect, test } from "@jest/globals";
import { serveMetrics } from "../../observability/server.ts";
import { createHttpServer } from "../../services/api/server.ts";

/** As many as the system lets wait. */
const CONNECTIONS = Math.min(1000, backlogMax());

/** A thread that opens connections and counts them. */
const VISITORS = `
	const { connect } = require("node:net");
	const { workerData: { port, made, number } } = require("node:worker_threads");
	for (let one = 0; one < number; one++) {
		connect(port, "127.0.0.1", () => {
			Atomics.add(made, 0, 1);
			Atomics.notify(made, 0);
		}).on("error", () => undefined);
	}
`;

function backlogMax(): number {
	try {
		return Number(readFileSync("/proc/sys/net/core/somaxconn", "utf8"));
	} catch {
		return 128;
	}
}

/** Returns the number of connections that are made while this thread accepts none. */
async function connectionsMade(port: number): Promise<number> {
	const made = new Int32Array(new SharedArrayBuffer(4));
	const visitors = new Worker(VISITORS, { eval: true, workerData: { port, made, number: CONNECTIONS } });
	await once(visitors, "online");
	let before = 0;
	while (before < CONNECTIONS && Atomics.wait(made, 0, before, 60_000) !== "timed-out") {
		before = Atomics.load(made, 0);
	}
	await visitors.terminate();
	return before;
}

test("a busy gateway takes a thousand new connections at once", async () => {
	const server = createHttpServer(() => undefined, { keep_alive_ms: 60_000 });
	await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
	expect(await connectionsMade((server.address() as AddressInfo).port)).toBe(CONNECTIONS);
	server.closeAllConnections();
	await new Promise((closed) => server.close(closed));
});

test("a busy process takes a thousand scrapes at once", async () => {
	expect(await connectionsMade((await serveMetrics(() => undefined)) as number)).toBe(CONNECTIONS);
});
