import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import pg from "pg";
import { SMTPServer } from "smtp-server";
import { client, type Request, readyAddress, run, signUp } from "../../tools/shop-process.ts";
import { type OtlpReceiver, startOtlpReceiver } from "./otlp-receiver.ts";
import { preparedFolder } from "./prepared-folder.ts";

/** Response of the mail server to the next mail; it accepts the others. */
export type NextMail = { is: "accepted" } | { is: "refused" } | { is: "held"; until: Promise<unknown> };

/** A cluster that exports its traces, with the mail server that it uses. */
export interface TracedShop {
	folder: string;
	receiver: OtlpReceiver;
	request: Request;
	token: string;
	product: string;
	/** Recipients of the accepted mails. */
	mails: string[];
	/** Number of mails that the server was given, accepted or not. */
	given(): number;
	nextMail(next: NextMail): void;
	/** Sends a request as a traced client. Returns the response with the ids of the client's span. */
	traced(method: string, path: string, body?: unknown): Promise<TracedResponse>;
	/** Returns the metrics of the gateway with their exemplars. */
	metrics(): Promise<string>;
	/** Stops the cluster by SIGTERM. */
	stop(): Promise<void>;
	close(): Promise<void>;
}

export interface TracedResponse {
	status: number;
	// biome-ignore lint/suspicious/noExplicitAny: as that of `client`.
	body: any;
	trace_id: string;
	span_id: string;
}

const ADMIN = { ADMIN_PASSWORD: "rahasia-sekali" };

/** Starts a cluster that samples no trace but those that its proxy, the test, has sampled. */
export async function startTracedShop(): Promise<TracedShop> {
	const receiver = await startOtlpReceiver();
	const mails: string[] = [];
	let next: NextMail = { is: "accepted" };
	let given = 0;
	const mailServer = new SMTPServer({
		authOptional: true,
		disabledCommands: ["STARTTLS"],
		async onData(stream, { envelope }, done) {
			await text(stream);
			const decision = next;
			next = { is: "accepted" };
			given++;
			if (decision.is === "refused") {
				done(Object.assign(new Error("try again later"), { responseCode: 451 }));
				return;
			}
			if (decision.is === "held") {
				await decision.until;
			}
			mails.push(...envelope.rcptTo.map(({ address: recipient }) => recipient));
			done();
		},
	});
	mailServer.on("error", () => undefined);
	await new Promise<void>((resolve) => mailServer.listen(0, "127.0.0.1", resolve));

	const folder = await preparedFolder({ catalogue: false });
	const cluster = run(folder, ["cluster", "orders=2"], {
		...ADMIN,
		SMTP_URL: `smtp://127.0.0.1:${(mailServer.server.address() as AddressInfo).port}`,
		TRUST_PROXY: "loopback",
		OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
		OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
		OTEL_BSP_SCHEDULE_DELAY: "50",
		OTEL_TRACES_SAMPLER: "parentbased_traceidratio",
		OTEL_TRACES_SAMPLER_ARG: "0",
	});
	const address = await readyAddress(cluster);
	const request = client(address);
	const token = await signUp(request, PERSON);
	const product = (await request("GET", "/api/v1/products?limit=1&in_stock=true")).body[0].id;
	return {
		...{ folder, receiver, request, token, product, mails },
		given: () => given,
		nextMail: (decision) => {
			next = decision;
		},
		async traced(method, path, body) {
			const [trace_id, span_id] = [randomBytes(16).toString("hex"), randomBytes(8).toString("hex")];
			const response = await fetch(`${address}${path}`, {
				method,
				headers: {
					"content-type": "application/json",
					authorization: `Bearer ${token}`,
					traceparent: `00-${trace_id}-${span_id}-01`,
				},
				body: JSON.stringify(body),
			});
			return { status: response.status, body: await response.json(), trace_id, span_id };
		},
		async metrics() {
			const headers = { accept: "application/openmetrics-text" };
			return (await fetch(`${address}/metrics`, { headers })).text();
		},
		async stop() {
			cluster.child.kill("SIGTERM");
			await cluster.ended();
		},
		async close() {
			await receiver.close();
			await new Promise<void>((resolve) => mailServer.close(() => resolve()));
		},
	};
}

/** Name, username and part of the address of the customer, which must not be in any trace. */
export const PERSON = "sulistyowati";

interface Parts {
	servers: Record<string, { port: number }>;
}

function read(folder: string, file: string) {
	return JSON.parse(readFileSync(join(folder, file), "utf8"));
}

/** Connects to a database of the shop in a folder. */
export async function connectTo(folder: string, database: string): Promise<pg.Client> {
	const { servers } = read(folder, "parts.json") as Parts;
	const { postgres_password } = read(folder, "secrets.json");
	const connection = new pg.Client(
		`postgres://toko:${postgres_password}@127.0.0.1:${servers.PostgreSQL?.port}/toko_${database}`,
	);
	await connection.connect();
	return connection;
}

/** Returns the options of a connection to NATS of the shop in a folder. */
export function natsOf(folder: string) {
	const { servers } = read(folder, "parts.json") as Parts;
	return {
		servers: `127.0.0.1:${servers.NATS?.port}`,
		user: "toko",
		pass: read(folder, "secrets.json").nats_password,
	};
}
