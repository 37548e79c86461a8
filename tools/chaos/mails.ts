import { once } from "node:events";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { type Audit, audit } from "../audit/audit.ts";
import type { Sources } from "../audit/snapshot.ts";
import { SeededRandom } from "../seeded-random.ts";
import { Client, Observations } from "./client.ts";
import { Cluster } from "./cluster.ts";
import type { AcceptedMail } from "./mail-server.ts";
import { openSourcesOf, type Stage, withCluster } from "./stage.ts";

/** Result of a run. */
export interface MailReport {
	/** Number of accepted registrations and orders; each publishes one event with one mail. */
	events: number;
	seconds: number;
	killed: { notifications: number; NATS: number };
	/** Number of messages that notifications recorded, and of their distinct events. */
	recorded: { messages: number; of_events: number };
	/** Number of mails that the mail server accepted, and of the duplicates among them. */
	accepted: { mails: number; again: number };
	/** Milliseconds from the acceptance of each mail to its mark as sent, sorted: a kill in between sends it again. */
	unmarked_ms: number[];
	/** Milliseconds from the commit of an order to the arrival of its mail in an idle shop, sorted. */
	latencies_ms: number[];
	audit: Audit;
	/** Violated guarantees; empty after a successful run. */
	violations: string[];
}

const ADMIN = { email: "keeper@toko.test", password: "rahasia-sekali" };
const BUYERS = 8;
const ORDERS_EACH = 8;
/** Number of products, enough to spread the holds: no order is paid, and each adds a hold to its product. */
const PRODUCTS = 100;
/** Rate that leaves two cores time to restart killed processes. */
const EVENTS_PER_SECOND = 30;
/** Average interval between kills. It is randomised: at a fixed interval, kills would always hit the same step. */
const KILL_EVERY_MS = 5000;
/** Maximum number of orders in the idle shop; a short run places a tenth of its events. */
const QUIET_ORDERS = 200;
const SETTLE_MS = 120_000;
/** Maximum share of mails that are sent twice. In a short run a few are allowed, since chance would decide. */
const AGAIN_SHARE = 0.001;

/**
 * Registers users and places orders for `events` events while notifications processes are killed every few seconds and
 * NATS twice. Then counts messages and mails, and measures the time to a mail in an idle shop.
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
		run.log(`starting a cluster in ${folder}`);
		await cluster.start();
		return killAndCount(cluster, postOffice, run);
	});
	return counting.finally(() => postOffice.close());
}

interface Run extends Stage {
	events: number;
	seed: number;
}

async function killAndCount(cluster: Cluster, postOffice: PostOffice, { events, seed, log }: Run) {
	const observations = new Observations();
	const random = new SeededRandom(seed);
	const newClient = () => new Client(cluster.addresses, observations, random.branch());
	const load = new Load(await stockUp(newClient()), events, random.branch());

	const started_at = Date.now();
	const progress = setInterval(() => log(`${load.done} of ${events} events`), 15_000);
	const buying = Promise.all(Array.from({ length: BUYERS }, () => load.buy(newClient())));
	const killed = await killUntil(buying, cluster, random.branch(), () => load.done / events);
	clearInterval(progress);
	const seconds = Math.round((Date.now() - started_at) / 1000);
	log(`${load.done} events after ${seconds} s; no more kills`);
	await cluster.ready();

	const sources = await openSourcesOf(cluster, log);
	try {
		const isSettled = await settle(sources);
		const accepted = postOffice.counted();
		const recorded = await countRecorded(sources);
		const unmarked_ms = await measureMarks(sources, postOffice);
		const latencies_ms = await measure(newClient(), load, postOffice);
		return {
			...{ events: load.done, seconds, killed, recorded, accepted, unmarked_ms, latencies_ms },
			audit: await audit(sources, SETTLE_MS),
			violations: [
				...observations.violations,
				...(isSettled ? [] : [`not settled within ${SETTLE_MS} ms`]),
				...judge(load.done + 1, recorded, accepted),
			],
		};
	} finally {
		await sources.close();
	}
}

/** @param expected Number of events, including that of the admin. */
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

/** Kills one notifications process after the other, and NATS when one third and two thirds of the work are done. */
async function killUntil(
	work: Promise<unknown>,
	cluster: Cluster,
	random: SeededRandom,
	share: () => number,
) {
	const killed = { notifications: 0, NATS: 0 };
	let isOver = false;
	const over = work.finally(() => {
		isOver = true;
	});
	for (;;) {
		await Promise.race([wait(random.between(0.8 * KILL_EVERY_MS, 1.2 * KILL_EVERY_MS)), over]);
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

/** Registers buyers and places orders until there are enough events. */
class Load {
	done = 0;
	#taken = 0;
	#begun = Date.now();
	#buyers = 0;
	#products: string[];
	#events: number;
	#random: SeededRandom;

	constructor(products: string[], events: number, random: SeededRandom) {
		this.#products = products;
		this.#events = events;
		this.#random = random;
	}

	/** Registers buyers that each place a few orders. */
	async buy(client: Client): Promise<void> {
		while (await this.#accept()) {
			const token = await this.register(client);
			this.done++;
			for (let order = 0; order < ORDERS_EACH && (await this.#accept()); order++) {
				await this.order(client, token, `order-${order}`);
				this.done++;
			}
		}
	}

	/** Registers a buyer and returns a token. */
	async register(client: Client): Promise<string> {
		const username = `buyer-${++this.#buyers}`;
		const person = { email: `${username}@toko.test`, password: ADMIN.password };
		const registered = await client.send("POST", "/users/register", {
			body: { ...person, username, full_name: "Budi" },
			// Each buyer has a unique address.
			headers: { "x-forwarded-for": `10.0.${this.#buyers >> 8}.${this.#buyers & 255}` },
		});
		// Taken by an earlier attempt whose response was lost.
		if (registered?.status !== 201 && registered?.body.code !== "EMAIL_TAKEN") {
			throw new Error(`register: ${registered?.status} ${JSON.stringify(registered?.body)}`);
		}
		return (await client.send("POST", "/users/login", { body: person }))?.body.access_token;
	}

	async order(client: Client, token: string, key: string): Promise<{ number: string; created_at: string }> {
		const body = { items: [{ product_id: this.#random.pick(this.#products), quantity: 1 }] };
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

	/** Waits until the next event is due. Returns false if there are enough events. */
	async #accept(): Promise<boolean> {
		if (this.#taken >= this.#events) {
			return false;
		}
		const due = this.#begun + (1000 * this.#taken++) / EVENTS_PER_SECOND;
		await wait(Math.max(0, due - Date.now()));
		return true;
	}
}

/** Places orders one after the other. Returns the milliseconds from each commit to the acceptance of the mail. */
async function measure(client: Client, load: Load, postOffice: PostOffice): Promise<number[]> {
	const token = await load.register(client);
	const latencies: number[] = [];
	const orders = Math.min(QUIET_ORDERS, Math.ceil(load.done / 10));
	for (let number = 0; number < orders; number++) {
		const order = await load.order(client, token, `quiet-${number}`);
		const accepted_at = await postOffice.accepted(`#${order.number}`);
		latencies.push(accepted_at - Date.parse(order.created_at));
	}
	return latencies.sort((a, b) => a - b);
}

/** Creates products and returns their ids. */
async function stockUp(client: Client): Promise<string[]> {
	const login = await client.send("POST", "/users/login", { body: ADMIN });
	const token: string = login?.body.access_token;
	const products: string[] = [];
	for (let number = 0; number < PRODUCTS; number++) {
		const body = { name: `Kopi ${number}`, description: "", price: 1000, stock: 10_000, category: "uji" };
		const response = await client.send("POST", "/products", { token, body });
		if (response?.status !== 201) {
			throw new Error(`POST /products returned ${response?.status}: ${JSON.stringify(response?.body)}`);
		}
		products.push(response.body.id);
	}
	return products;
}

/** Waits until no event or mail is pending. Returns whether this was in time. */
async function settle(sources: Sources): Promise<boolean> {
	const deadline = Date.now() + SETTLE_MS;
	const isSettled = async () => {
		if ((await sources.eventsInProgress()) > 0) {
			return false;
		}
		// Afterwards, since events become messages.
		const queued = await sources.snapshot("notifications", (query) =>
			query("SELECT 1 FROM notifications WHERE status = 'queued' LIMIT 1"),
		);
		return queued.length === 0;
	};
	while (Date.now() < deadline) {
		if (await isSettled().catch(() => false)) {
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

/** Records the mails accepted by a mail server that accepts all, and their times. */
class PostOffice {
	#times = new Map<string, number>();
	#last_at = new Map<string, number>();
	#accepted_at = new Map<string, number>();
	#waiting = new Map<string, () => void>();
	#server = new Worker(new URL("./mail-server.ts", import.meta.url));

	/** Starts the server and returns its address. */
	async open(): Promise<string> {
		const [port] = (await once(this.#server, "message")) as [number];
		this.#server.on("message", (mail: AcceptedMail) => this.#accept(mail));
		return `smtp://127.0.0.1:${port}`;
	}

	async close(): Promise<void> {
		await this.#server.terminate();
	}

	counted(): MailReport["accepted"] {
		const mails = [...this.#times.values()].reduce((sum, times) => sum + times, 0);
		return { mails, again: mails - this.#times.size };
	}

	/** Returns the time of the latest acceptance of a message's mail. */
	last(message: string): number | undefined {
		return this.#last_at.get(`<${message}@toko>`);
	}

	/** Waits for a mail with this text in its subject and returns the time of its acceptance. */
	async accepted(mark: string): Promise<number> {
		if (!this.#accepted_at.has(mark)) {
			const arrival = new Promise<void>((resolve) => this.#waiting.set(mark, resolve));
			const lost = wait(SETTLE_MS, undefined, { ref: false }).then(() => {
				throw new Error(`no mail about ${mark} arrived within ${SETTLE_MS} ms`);
			});
			await Promise.race([arrival, lost]);
		}
		return this.#accepted_at.get(mark) as number;
	}

	#accept({ id, mark, at }: AcceptedMail): void {
		this.#times.set(id, (this.#times.get(id) ?? 0) + 1);
		this.#last_at.set(id, at);
		if (mark) {
			this.#accepted_at.set(mark, at);
			this.#waiting.get(mark)?.();
		}
	}
}
