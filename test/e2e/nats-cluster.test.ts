import { type ChildProcess, spawn } from "node:child_process";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, test } from "@jest/globals";
import { type ClusterInfo, connect, type JetStreamManager, type NatsConnection } from "nats";
import { findNatsServer } from "../../infra/programs.ts";
import { cleanUp, freePort, newFolder, signUp, startShop, until } from "../../tools/shop-process.ts";
import { preparedFolder } from "./prepared-folder.ts";

// A shop on a cluster of three NATS servers.

const NAMES = ["one", "two", "three"];

let servers: Map<string, ChildProcess>;
let ports: number[];

beforeAll(async () => {
	const folder = newFolder();
	const { path } = await findNatsServer(resolve(import.meta.dirname, "../../.toko"), () => {});
	ports = await Promise.all(NAMES.map(freePort));
	const routes = await Promise.all(NAMES.map(freePort));
	servers = new Map(
		NAMES.map((name, number) => {
			const others = routes.filter((port) => port !== routes[number]);
			const args = [
				...["-n", name, "-js", "-sd", join(folder, name), "-a", "127.0.0.1", "-p", String(ports[number])],
				...["-cluster_name", "toko", "-cluster", `nats://127.0.0.1:${routes[number]}`],
				...["-routes", others.map((port) => `nats://127.0.0.1:${port}`).join(",")],
			];
			return [name, spawn(path, args, { stdio: "ignore" })];
		}),
	);
	await until("the cluster to have a leader", async () => {
		return (await look((manager) => manager.getAccountInfo())) !== undefined;
	});
});

afterAll(async () => {
	await cleanUp();
	for (const server of servers?.values() ?? []) {
		server.kill("SIGKILL");
	}
});

/** Queries a live server over a separate connection. Returns undefined if there is no response yet. */
async function look<T>(work: (manager: JetStreamManager) => Promise<T>): Promise<T | undefined> {
	const alive = ports.filter((_, number) => !servers.get(NAMES[number] as string)?.killed);
	let nats: NatsConnection | undefined;
	try {
		nats = await connect({ servers: alive.map((port) => `127.0.0.1:${port}`), timeout: 2000 });
		return await work(await nats.jetstreamManager({ timeout: 2000 }));
	} catch {
		return undefined;
	} finally {
		await nats?.close();
	}
}

const stream = () => look((manager) => manager.streams.info("toko_events"));
const consumer = () => look((manager) => manager.consumers.info("toko_events", "notifications"));

/** Tells whether there are three replicas: a leader and two followers that are up to date. */
function hasCopies(cluster: ClusterInfo | undefined): boolean {
	return cluster?.leader !== undefined && cluster.replicas?.filter(({ current }) => current).length === 2;
}

test("a stream that was made on one server is put on three, and then outlives the one that led it", async () => {
	const NATS_URL = ports.map((port) => `nats://127.0.0.1:${port}`).join(",");
	const shop = await startShop(await preparedFolder(), { NATS_URL, EVENT_REPLICAS: "1" });
	await signUp(shop.request, "siti");
	await until("the update to three copies", async () => {
		const updated = await look((manager) => manager.streams.update("toko_events", { num_replicas: 3 }));
		return updated !== undefined;
	});
	// The consumer is replicated a moment after the stream.
	let before: Awaited<ReturnType<typeof stream>>;
	await until("three copies of the stream and of its consumer", async () => {
		before = await stream();
		return hasCopies(before?.cluster) && hasCopies((await consumer())?.cluster);
	});

	servers.get(before?.cluster?.leader as string)?.kill("SIGKILL");
	await signUp(shop.request, "budi");
	await until("the event to be kept and handled", async () => {
		const messages = (await stream())?.state.messages ?? 0;
		const handled = await consumer();
		return (
			messages > (before?.state.messages ?? 0) && handled?.num_pending === 0 && handled.num_ack_pending === 0
		);
	});
	await until("three copies", async () => (await stream())?.config.num_replicas === 3);
});
