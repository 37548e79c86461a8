import { once } from "node:events";
import type { RequestListener, Server, ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { afterEach, expect, test } from "@jest/globals";
import { type Closing, closingOf } from "../../services/api/closing.ts";
import { createHttpServer, type Patience } from "../../services/api/server.ts";
import { eventually } from "./shop.ts";

const GET = "GET / HTTP/1.1\r\nHost: toko\r\n\r\n";
let server: Server;
let closing: Closing;
const sockets: Socket[] = [];

async function listen(handle: RequestListener, patience: Partial<Patience> = {}): Promise<void> {
	server = createHttpServer(handle, { keep_alive_ms: 60_000, ...patience });
	closing = closingOf(server);
	server.listen(0, "127.0.0.1");
	await once(server, "listening");
}

afterEach(async () => {
	for (const socket of sockets.splice(0)) {
		socket.destroy();
	}
	server.closeAllConnections();
	await new Promise((closed) => server.close(closed));
});

/** Opens a connection and waits until the server has accepted it. */
async function connection() {
	const taken = once(server, "connection");
	const socket = connect((server.address() as AddressInfo).port, "127.0.0.1");
	sockets.push(socket);
	const ended = once(socket, "close");
	let received = "";
	socket.on("data", (chunk) => {
		received += chunk;
	});
	socket.on("error", () => undefined);
	await Promise.all([taken, once(socket, "connect")]);
	return {
		socket,
		ended,
		received: () => received,
		answered: (count: number) =>
			eventually(`answer ${count}`, async () => received.split("HTTP/1.1 200").length > count),
	};
}

/** Starts a server that responds only when the test tells it to. */
async function listenAndHold() {
	const held: ServerResponse[] = [];
	await listen((_request, response) => held.push(response));
	return held;
}

test("a connection that was opened in advance may wait longer than a head of a request", async () => {
	await listen((_request, response) => response.end("ok"), { head_ms: 100 });
	const early = await connection();
	const slow = await connection();
	slow.socket.write("GET / HTTP/1.1\r\n");
	await slow.ended;
	expect(slow.received()).toContain("408");
	// The slow request came later, so the time limit of the early one has passed too.
	early.socket.write(GET);
	await early.answered(1);
	expect(early.received()).toMatch(/^HTTP\/1\.1 200/);
});

test("a connection that was opened in advance has its time for a head once it begins", async () => {
	await listen((_request, response) => response.end("ok"), { head_ms: 100 });
	const early = await connection();
	const slow = await connection();
	slow.socket.write("GET / HTTP/1.1\r\n");
	await slow.ended;
	early.socket.write("GET / HTTP/1.1\r\n");
	await early.ended;
	expect(early.received()).toContain("408");
});

test("a response that is sent after a shutdown has begun is marked as the last", async () => {
	const held = await listenAndHold();
	const { socket, ended, received } = await connection();
	socket.write(GET);
	await eventually("the request", async () => held.length === 1);
	closing.begin();
	const finished = closing.finish();
	held[0]?.end("late");
	await Promise.all([ended, finished]);
	expect(received()).toMatch(/Connection: close.*late$/s);
});

test("all pipelined requests are answered, and the last response is marked", async () => {
	const held = await listenAndHold();
	const { socket, ended, received } = await connection();
	socket.write(GET);
	await eventually("the first request", async () => held.length === 1);
	closing.begin();
	socket.write(GET);
	await eventually("the second request", async () => held.length === 2);
	held[0]?.end("first");
	held[1]?.end("second");
	await Promise.all([ended, closing.finish()]);
	expect(received()).toMatch(/Connection: keep-alive.*first.*Connection: close.*second$/s);
});

test("a request that has arrived when idle connections are closed is answered", async () => {
	await listen((_request, response) => response.end("ok"));
	const used = await connection();
	used.socket.write(GET);
	await used.answered(1);
	const unused = await connection();
	closing.begin();
	used.socket.write(GET);
	unused.socket.write(GET);
	await closing.finish();
	await Promise.all([used.ended, unused.ended]);
	expect(used.received()).toMatch(/Connection: close.*ok$/s);
	expect(unused.received()).toMatch(/^HTTP\/1\.1 200.*Connection: close/s);
});

test("idle connections are closed at once", async () => {
	await listen((_request, response) => response.end("ok"));
	const used = await connection();
	used.socket.write(GET);
	await used.answered(1);
	const unused = await connection();
	closing.begin();
	await closing.finish();
	await Promise.all([used.ended, unused.ended]);
	expect(unused.received()).toBe("");
});

test("connections waiting to be accepted at shutdown get their response", async () => {
	await listen((_request, response) => response.end("ok"));
	const { port } = server.address() as AddressInfo;
	closing.begin();
	// Few enough to be accepted within the time that a busy machine leaves for it.
	const answers = Array.from({ length: 10 }, async () => {
		const socket = connect(port, "127.0.0.1");
		socket.on("error", () => undefined);
		sockets.push(socket);
		socket.write(GET);
		let received = "";
		socket.on("data", (chunk) => {
			received += chunk;
		});
		await once(socket, "close");
		return received;
	});
	// Node.js accepts one connection per event loop iteration.
	await once(sockets.at(-1) as Socket, "connect");
	await closing.finish();
	for (const answer of await Promise.all(answers)) {
		expect(answer).toMatch(/^HTTP\/1\.1 200/);
	}
});
