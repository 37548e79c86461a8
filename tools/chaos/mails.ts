import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { joinRunningServices } from "../../infra/backing-services.ts";
import { type Audit, audit } from "../audit/audit.ts";
import type { Sources } from "../audit/snapshot.ts";
import { openSources } from "../audit/sources.ts";
import { SeededRandom } from "../seeded-random.ts";
import { Client, Observations } from "./client.ts";
import { Cluster } from "./cluster.ts";
import type { Taken } from "./mail-server.ts";
import { type Stage, withCluster } from "./stage.ts";

/** What a run did and found. */
export interface MailReport {
	/** Registrations and orders that were accepted: each is an event with a mail. */
	events: number;
	seconds: number;
	killed: { notifications: number; NATS: number };
	/** Messages that notifications recorded, and of how many different events. */
	recorded: { messages: number; of_events: number };
	/** Mails that the mail server took, and how many of them it had taken before. */
	accepted: { mails: number; again: number };
	/** From the mail server's taking each mail to its mark as sent: a kill in between has it sent again. Sorted. */
	unmarked_ms: number[];
	/** From an order's commit to its mail at the mail server, in a quiet shop; sorted. */
	latencies_ms: number[];
	audit: Audit;
	/** What must not be; empty after a good run. */
	violations: string[];
}

const ADMIN = { email: "keeper@toko.test", password: "rahasia-sekali" };
const BUYERS = 8;
const ORDERS_EACH = 8;
/** No order is paid: each is a hold in the document of its product. */
const PRODUCTS = 100;
/** As many as leave two cores time to start again what is killed. */
const EVENTS_PER_SECOND = 30;
/** On average; at random, or kills and events would keep in step and always meet at the same point. */
const KILL_EVERY_MS = 5000;
const QUIET_ORDERS = 200;
const SETTLE_MS = 120_000;
/** Mails that are sent twice, at most, of all; in a short run a few, where chance would decide. */
const AGAIN_SHARE = 0.001;

/**
 * Has `events` registrations and orders made while processes of notifications are killed every few seconds and NATS
 * twice, then counts messages and mails; then measures the time to a mail in a quiet shop.
 */
export async function runMails(run: Run): Promise<MailReport> {
	const folder = mkdtempSync(join(tmpdir(), "toko-mails-"));
	const postOffice = new PostOffice();
	const cluster = new Cluster(folder, "nedb", {
		ADMIN_EMAIL: ADMIN.email,
		ADMIN_PASSWORD: ADMIN.password,
		SMTP_URL: await postOffice.open(),
	});
	const counting = withCluster(cluster, run, async () => {
		run.say(`starting a cluster in ${folder}`);
		await cluster.start();
		return killAndCount(cluster, postOffice, run);
	});
	return counting.finally(() => postOffice.close());
}

interface Run extends Stage {
	events: number;
	seed: number;
}

async function killAndCount(cluster: Cluster, postOffice: PostOffice, { events, seed, say }: Run) {
	const observations = new Observations();
	const chance = new SeededRandom(seed);
	const newClient = () => new Client(cluster.addresses, observations, chance.branch());
	const market = new Market(await stockUp(newClient()), events, chance.branch());

	const begun = Date.now();
	const progress = setInterval(() => say(`${market.done} of ${events} events`), 15_000);
	const buying = Promise.all(Array.from({ length: BUYERS }, () => market.buy(newClient())));
	const killed = await killUntil(buying, cluster, chance.branch(), () => market.done / events);
	clearInterval(progress);
	const seconds = Math.round((Date.now() - begun) / 1000);
	say(`${market.done} events after ${seconds} s; no more kills`);
	await cluster.ready();

	Object.assign(process.env, cluster.environment);
	await joinRunningServices(cluster.folder, 10_000, say);
	const sources = await openSources();
	try {
		const isSettled = await settle(sources);
		const accepted = postOffice.counted();
		const recorded = await countRecorded(sources);
		const unmarked_ms = await measureMarks(sources, postOffice);
		const latencies_ms = await measure(newClient(), market, postOffice);
		return {
			...{ events: market.done, seconds, killed, recorded, accepted, unmarked_ms, latencies_ms },
			audit: await audit(sources, SETTLE_MS),
			violations: [
				...observations.violations,
				...(isSettled ? [] : [`not settled ${SETTLE_MS} ms after the end`]),
				...judge(market.done + 1, recorded, accepted),
			],
		};
	} finally {
		await sources.close();
	}
}

/** @param expected Events, that of the admin included. */
function judge(
	expected: number,
	{ messages, of_events }: MailReport["recorded"],
	{ mails, again }: MailReport["accepted"],
): string[] {
	return [
		...(messages === expected && of_events === expected
			? []
			: [`${expected} events led to ${messages} messages of ${of_events} events`]),
		...(mails - again === expected ? [] : [`${mails - again} of ${expected} mails were sent`]),
		...(again < Math.max(expected * AGAIN_SHARE, 12) ? [] : [`${again} mails were sent twice`]),
	];
}

/** Kills one process of notifications after the other, and NATS when a third and two thirds are done. */
async function killUntil(
	work: Promise<unknown>,
	cluster: Cluster,
	chance: SeededRandom,
	share: () => number,
) {
	const killed = { notifications: 0, NATS: 0 };
	let isOver = false;
	const over = work.finally(() => {
		isOver = true;
	});
	for (;;) {
		await Promise.race([wait(chance.between(0.8 * KILL_EVERY_MS, 1.2 * KILL_EVERY_MS)), over]);
		if (isOver) {
			break;
		}
		cluster.kill(`notifications-${(killed.notifications++ % 2) + 1}`);
		if (killed.NATS < 2 && share() > (killed.NATS + 1) / 3) {
			killed.NATS++;
			cluster.killServer("NATS");
		}
	}
	await work;
	return killed;
}

/** Who registers and orders, until there are enough events. */
class Market {
	done = 0;
	#taken = 0;
	#begun = Date.now();
	#buyers = 0;
	#products: string[];
	#events: number;
	#chance: SeededRandom;

	constructor(products: string[], events: number, chance: SeededRandom) {
		this.#products = products;
		this.#events = events;
		this.#chance = chance;
	}

	/** Registers buyers who order a few times each. */
	async buy(client: Client): Promise<void> {
		while (await this.#take()) {
			const token = await this.register(client);
			this.done++;
			for (let order = 0; order < ORDERS_EACH && (await this.#take()); order++) {
				await this.order(client, token, `order-${order}`);
				this.done++;
			}
		}
	}

	/** A new buyer's token. */
	async register(client: Client): Promise<string> {
		const username = `buyer-${++this.#buyers}`;
		const person = { email: `${username}@toko.test`, password: ADMIN.password };
		const registered = await client.send("POST", "/users/register", {
			body: { ...person, username, full_name: "Budi" },
			// Each comes from an address of its own.
			headers: { "x-forwarded-for": `10.0.${this.#buyers >> 8}.${this.#buyers & 255}` },
		});
		// Taken by an earlier try whose answer was lost.
		if (registered?.status !== 201 && registered?.body.code !== "EMAIL_TAKEN") {
			throw new Error(`register: ${registered?.status} ${JSON.stringify(registered?.body)}`);
		}
		return (await client.send("POST", "/users/login", { body: person }))?.body.access_token;
	}

	async order(client: Client, token: string, key: string): Promise<{ number: string; created_at: string }> {
		const body = { items: [{ product_id: this.#chance.pick(this.#products), quantity: 1 }] };
		const placed = await client.send("POST", "/orders", {
			token,
			body,
			headers: { "idempotency-key": key },
		});
		if (placed?.status !== 201) {
			throw new Error(`order: ${placed?.status} ${JSON.stringify(placed?.body)}`);
		}
		return placed.body;
	}

	/** The next event, when it is its time; false where there are enough. */
	async #take(): Promise<boolean> {
		if (this.#taken >= this.#events) {
			return false;
		}
		const due = this.#begun + (1000 * this.#taken++) / EVENTS_PER_SECOND;
		await wait(Math.max(0, due - Date.now()));
		return true;
	}
}

/** Orders one after the other; answers how long after its commit each mail was taken. */
async function measure(client: Client, market: Market, postOffice: PostOffice): Promise<number[]> {
	const token = await market.register(client);
	const latencies: number[] = [];
	for (let number = 0; number < QUIET_ORDERS; number++) {
		const order = await market.order(client, token, `quiet-${number}`);
		const taken_at = await postOffice.taken(`#${order.number}`);
		latencies.push(taken_at - Date.parse(order.created_at));
	}
	return latencies.sort((a, b) => a - b);
}

/** Puts products on sale; answers their ids. */
async function stockUp(client: Client): Promise<string[]> {
	const login = await client.send("POST", "/users/login", { body: ADMIN });
	const token: string = login?.body.access_token;
	const products: string[] = [];
	for (let number = 0; number < PRODUCTS; number++) {
		const body = { name: `Kopi ${number}`, description: "", price: 1000, stock: 10_000, category: "uji" };
		products.push((await client.send("POST", "/products", { token, body }))?.body.id);
	}
	return products;
}

/** Waits until no event and no mail is on its way; whether that was in time. */
async function settle(sources: Sources): Promise<boolean> {
	const deadline = Date.now() + SETTLE_MS;
	const isSettled = async () => {
		const queued = await sources.snapshot("notifications", (query) =>
			query("SELECT 1 FROM notifications WHERE status = 'queued' LIMIT 1"),
		);
		return queued.length === 0 && (await sources.eventsUnderWay()) === 0;
	};
	while (Date.now() < deadline) {
		if (await isSettled()) {
			return true;
		}
		await wait(250);
	}
	return false;
}

async function countRecorded(sources: Sources): Promise<MailReport["recorded"]> {
	const [row] = await sources.snapshot("notifications", (query) =>
		query<MailReport["recorded"]>(
			`SELECT count(*)::integer AS messages, count(DISTINCT (event_id, type))::integer AS of_events
			FROM notifications WHERE status = 'sent'`,
		),
	);
	return row as MailReport["recorded"];
}

async function measureMarks(sources: Sources, postOffice: PostOffice): Promise<number[]> {
	const rows = await sources.snapshot("notifications", (query) =>
		query<{ id: string; at: number }>(
			"SELECT id, extract(epoch FROM sent_at)::float * 1000 AS at FROM notifications WHERE status = 'sent'",
		),
	);
	return rows.map(({ id, at }) => at - (postOffice.last(id) ?? at)).sort((a, b) => a - b);
}

/** What a mail server, which takes everything, has taken and when. */
class PostOffice {
	#times = new Map<string, number>();
	#last_at = new Map<string, number>();
	#taken_at = new Map<string, number>();
	#waiting = new Map<string, () => void>();
	#server = new Worker(new URL("./mail-server.ts", import.meta.url));

	/** Answers its address. */
	async open(): Promise<string> {
		const [port] = (await once(this.#server, "message")) as [number];
		this.#server.on("message", (mail: Taken) => this.#take(mail));
		return `smtp://127.0.0.1:${port}`;
	}

	async close(): Promise<void> {
		await this.#server.terminate();
	}

	counted(): MailReport["accepted"] {
		const mails = [...this.#times.values()].reduce((sum, times) => sum + times, 0);
		return { mails, again: mails - this.#times.size };
	}

	/** When the mail of a message was taken, for the last time. */
	last(message: string): number | undefined {
		return this.#last_at.get(`<${message}@toko>`);
	}

	/** When a mail with this in its subject was taken. */
	async taken(mark: string): Promise<number> {
		if (!this.#taken_at.has(mark)) {
			const arrival = new Promise<void>((resolve) => this.#waiting.set(mark, resolve));
			const lost = wait(SETTLE_MS, undefined, { ref: false }).then(() => {
				throw new Error(`the mail about ${mark} has not come in ${SETTLE_MS} ms`);
			});
			await Promise.race([arrival, lost]);
		}
		return this.#taken_at.get(mark) as number;
	}

	#take({ id, mark, at }: Taken): void {
		this.#times.set(id, (this.#times.get(id) ?? 0) + 1);
		this.#last_at.set(id, at);
		if (mark) {
			this.#taken_at.set(mark, at);
			this.#waiting.get(mark)?.();
		}
	}
}
