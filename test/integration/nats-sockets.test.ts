import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import { type Middleware, ServiceBroker, type ServiceSchema } from "moleculer";
import { connect, type NatsConnection } from "nats";
import { settings } from "../../config/settings.ts";
import { ALL_EVENTS } from "../../events/envelope.ts";
import { jetStreamOf } from "../../events/stream.ts";
import { choosePort } from "../../infra/ports.ts";
import { findNatsServer } from "../../infra/programs.ts";
import { channels } from "../../middlewares/channels.ts";
import { natsConnection } from "../../moleculer.config.ts";
import { natsOf } from "../../nats/client.ts";
import { eventually, intoFile } from "./shop.ts";

// A separate nats-server, frozen with SIGSTOP: its port accepts connections, but does not respond.

const folder = settings.directory;
/** Same as `authorization.timeout`, after which the server closes a connection that has not authenticated. */
const LOG_IN_SECONDS = 1;

let server: ChildProcess;
let monitor: string;
let options: ReturnType<typeof natsConnection>;
let dials: number;
let calls: number;
let brokers: ServiceBroker[];

beforeAll(async () => {
	const { path } = await findNatsServer(resolve(".toko"), () => undefined);
	const [port, monitorPort] = [await choosePort(), await choosePort()];
	const file = join(folder, "frozen-nats.conf");
	writeFileSync(
		file,
		`listen: "127.0.0.1:${port}"
http: "127.0.0.1:${monitorPort}"
authorization { user: toko, password: frozen, timeout: ${LOG_IN_SECONDS} }
jetstream { store_dir: ${JSON.stringify(join(folder, "frozen-nats"))} }
`,
	);
	server = spawn(path, ["-c", file], { stdio: "ignore" });
	monitor = `http://127.0.0.1:${monitorPort}`;
	options = {
		...natsConnection(`nats://toko:frozen@127.0.0.1:${port}`),
		...{ timeout: 1000, reconnectTimeWait: 50, pingInterval: 300 },
	};
	await eventually("a server", () =>
		fetch(monitor).then(
			() => true,
			() => false,
		),
	);
	dials = 0;
	calls = 0;
	brokers = [newBroker(), newBroker()];
	brokers[0]?.createService({ name: "counter", actions: { count: () => ++calls } });
	await Promise.all(brokers.map((broker) => broker.start()));
	await brokers[1]?.waitForServices("counter");
	for (const broker of brokers) {
		void countDials(natsOf(broker));
		void countDials(jetStreamOf(broker).connection);
	}
});

afterEach(() => {
	server.kill("SIGCONT");
});

afterAll(async () => {
	await Promise.all(brokers.map((broker) => broker.stop()));
	server.kill("SIGKILL");
});

function newBroker(): ServiceBroker {
	return new ServiceBroker({
		nodeID: `frozen-${randomUUID()}`,
		logger: intoFile(),
		transporter: { type: "NATS", options: { ...options } },
		heartbeatInterval: 1,
		middlewares: [channels(options)] as Middleware[],
	});
}

async function countDials(nats: NatsConnection | undefined): Promise<void> {
	for await (const { type } of nats?.status() ?? []) {
		dials += type === "reconnecting" ? 1 : 0;
	}
}

interface Connections {
	total: number;
	connections: { cid: number; subscriptions: number }[];
}

async function connections(state: "open" | "closed"): Promise<Connections> {
	const answer = await fetch(`${monitor}/connz?state=${state}&limit=10000`);
	return (await answer.json()) as Connections;
}

test("after a freeze in which connection attempts timed out, each process has its connections, and a call is made once", async () => {
	const before = 4;
	await eventually("four connections", async () => (await connections("open")).total === before);
	const closed = (await connections("closed")).total;
	server.kill("SIGSTOP");
	await eventually("dials that time out", async () => dials >= 4 * 3);
	server.kill("SIGCONT");
	// Every connection attempt but the last four was abandoned.
	await eventually("the server to have closed all others", async () => {
		return (await connections("closed")).total >= closed + dials - 4;
	});
	await eventually("those connections", async () => (await connections("open")).total === before);
	await eventually(
		"a call",
		() => brokers[1]?.call("counter.count").catch(() => undefined) as Promise<number>,
	);
	calls = 0;
	for (let number = 1; number <= 5; number++) {
		expect(await brokers[1]?.call("counter.count")).toBe(number);
	}
	await natsOf(brokers[0] as ServiceBroker)?.flush();
	expect(calls).toBe(5);
	await eventually("the same connections", async () => (await connections("open")).total === before);
});

test("a connection to a silent server is closed even when the kernel's send buffer is full", async () => {
	const nats = await connect(options);
	const lost = (async () => {
		for await (const { type } of nats.status()) {
			if (type === "disconnect") {
				return true;
			}
		}
		return false;
	})();
	await nats.flush();
	server.kill("SIGSTOP");
	for (let megabyte = 0; megabyte < 32; megabyte++) {
		nats.publish("nobody", Buffer.alloc(1024 * 1024 - 1));
	}
	const silence = new Promise((wake) => setTimeout(wake, 10_000, false).unref());
	expect(await Promise.race([lost, silence])).toBe(true);
	server.kill("SIGCONT");
	await nats.close();
});

describe("a process that starts while NATS is frozen", () => {
	let broker: ServiceBroker;

	function begin(patience_ms?: number): Promise<void> {
		broker = new ServiceBroker({
			nodeID: `late-${randomUUID()}`,
			namespace: settings.namespace,
			logger: intoFile(),
			middlewares: [channels({ ...options, timeout: 200 }, patience_ms)] as Middleware[],
		});
		const channel = { handler: () => undefined };
		broker.createService({ name: "late", channels: { [ALL_EVENTS]: channel } } as ServiceSchema);
		return broker.start();
	}

	afterEach(() => broker.stop());

	test("waits for it", async () => {
		server.kill("SIGSTOP");
		const started = begin();
		const second = new Promise((wake) => setTimeout(wake, 1000, "still waiting"));
		expect(await Promise.race([started, second])).toBe("still waiting");
		server.kill("SIGCONT");
		await started;
	});

	test("ends after a while with a line that names the cause and the cure", async () => {
		server.kill("SIGSTOP");
		await expect(begin(1000)).rejects.toThrow(
			/^NATS did not answer within 1 s while this process started \(.*TIMEOUT\): .* start again/,
		);
	});
});
