import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { getBorderCharacters, table } from "table";
import { databases } from "../../contracts/services.ts";
import { namedServices } from "../../hosting/services.ts";
import { cleanUp, client, logIn, namespace, newFolder, type Request, run, signUp } from "../shop-process.ts";
import { Books, type Footprint } from "./footprint.ts";
import { ProcessorTime, type Times } from "./processor-time.ts";

export type Store = "mongo" | "nedb";

/**
 * Number of product reads in a round: repeated reads of a few products, whose responses may be cached, and one read of
 * each of many.
 */
const READS = 1500;
const FEW_PRODUCTS = 50;
const ORDERS = 250;
/** Number of products in an order. */
const LINES = 2;
/** Number of registrations, and of logins, in a round. */
const REGISTRATIONS = 60;
const BUYERS = 20;
const AT_ONCE = 8;
const QUIET_MS = 10_000;
/** Warm-up as a share of a round: enough for Node to compile the code and for PostgreSQL to cache its tables. */
const WARM_SHARE = 0.5;
const STOCK = 100_000;
/** Category of the measured products; the sample catalogue has others. */
const CATEGORY = "biaya";

const STAND_IN = "MongoDB stand-in";
const WHOLE_SHOP = "all services in one process";
const SENDER = "sender of mails";
const OTHER_POSTGRES = "PostgreSQL, its log and checkpoints";

const OPERATIONS = ["read, of few", "read, of many", "order, paid", "registration", "login"] as const;
type Operation = (typeof OPERATIONS)[number];

/** Processor time of an operation in one round, by component. */
interface Cost {
	round: number;
	operation: Operation;
	by_part: Times;
	mails: number;
}

/** Costs of a shop in one arrangement of processes. */
interface Arrangement {
	name: "five processes" | "one process";
	costs: Cost[];
	/** Milliseconds of processor time per second of an idle shop. */
	quiet: Times;
	/** Data written by each operation, per operation, over all rounds. */
	written: Map<Operation, Footprint>;
}

export interface Costs {
	store: Store;
	rounds: number;
	arrangements: Arrangement[];
	requests: number;
	/** Number of unexpected responses by kind, such as `POST /api/v1/orders 503`. */
	failed: Map<string, number>;
}

/**
 * Measures the cost of each operation by component. Two shops, one with a process for each service and one with a
 * single process, are measured in turn. The load of an idle shop is subtracted.
 */
export async function measureCosts(
	{ store, rounds }: { store: Store; rounds: number },
	say: (line: string) => void,
): Promise<Costs> {
	const mailServer = new Worker(new URL("./mail-sink.ts", import.meta.url), { workerData: "silent" });
	const shops: Shop[] = [];
	try {
		const [port] = (await once(mailServer, "message")) as [number];
		const count = { requests: 0, failed: new Map<string, number>() };
		for (const name of ["five processes", "one process"] as const) {
			say(`starting a shop of ${name}`);
			shops.push(await Shop.start(name, store, `smtp://127.0.0.1:${port}`, count));
		}
		for (const shop of shops) {
			await shop.warmUp();
			say(`${shop.name}: warm`);
		}
		for (let round = 1; round <= rounds; round++) {
			for (const shop of shops) {
				await shop.measure(round);
				say(`${shop.name}: round ${round} of ${rounds}`);
			}
		}
		return { store, rounds, arrangements: shops.map((shop) => shop.arrangement()), ...count };
	} finally {
		for (const shop of shops) {
			await shop.close();
		}
		await mailServer.terminate();
		await cleanUp();
	}
}

type Count = Pick<Costs, "requests" | "failed">;

class Shop {
	name: Arrangement["name"];
	#request: Request;
	#books: Books;
	#time: ProcessorTime;
	#products: string[] = [];
	#buyers: string[] = [];
	#registered: string[] = [];
	#made = 0;
	#costs: Cost[] = [];
	#quiet: { ms: number; times: Times; written: Footprint } = { ms: 0, times: new Map(), written: {} };
	#written = new Map<Operation, { times: number; footprint: Footprint; ms: number }>();

	private constructor(name: Arrangement["name"], request: Request, books: Books, time: ProcessorTime) {
		this.name = name;
		this.#request = request;
		this.#books = books;
		this.#time = time;
	}

	static async start(name: Arrangement["name"], store: Store, smtp: string, count: Count): Promise<Shop> {
		const folder = newFolder();
		const environment: Record<string, string> = { SMTP_URL: smtp, SERVICES: "" };
		if (store === "mongo") {
			const mongo = run(folder, ["mongo"]);
			environment.MONGO_URL = (await mongo.line(/^ready /, 300_000)).slice("ready ".length).trim();
		}
		const command = run(folder, [name === "five processes" ? "cluster" : "start"], environment);
		const address = (await command.line(/^ready /, 180_000)).slice("ready ".length).trim();
		const file = join(folder, "catalogue.csv");
		writeFileSync(file, catalogue());
		const importing = run(folder, ["import", file], environment);
		if ((await importing.ended()) !== 0) {
			throw new Error(`npm run import failed:\n${importing.errors()}`);
		}
		const books = await Books.open(folder);
		const time = new ProcessorTime(folder, partOf);
		time.leaveOut(await books.processes());
		const shop = new Shop(name, counted(client(address), count), books, time);
		await shop.#getReady();
		return shop;
	}

	async #getReady(): Promise<void> {
		for (let skip = 0; this.#products.length < READS; skip += 100) {
			const { body } = await this.#request(
				"GET",
				`/api/v1/products?category=${CATEGORY}&limit=100&skip=${skip}`,
			);
			this.#products.push(...(body as { id: string }[]).map(({ id }) => id));
		}
		for (let buyer = 0; buyer < BUYERS; buyer++) {
			this.#buyers.push(await signUp(this.#request, `buyer${buyer}`));
		}
	}

	async warmUp(): Promise<void> {
		for (const operation of OPERATIONS) {
			await this.#do(operation, WARM_SHARE);
		}
		await this.#books.settled();
	}

	async measure(round: number): Promise<void> {
		const quiet = await this.#during(() => new Promise((wake) => setTimeout(wake, QUIET_MS)));
		this.#quiet.ms += quiet.ms;
		add(this.#quiet.written, quiet.footprint);
		for (const [part, ms] of quiet.times) {
			this.#quiet.times.set(part, (this.#quiet.times.get(part) ?? 0) + ms);
		}
		for (const operation of OPERATIONS) {
			let count = 0;
			const { times, footprint, ms } = await this.#during(async () => {
				count = await this.#do(operation, 1);
				await this.#books.settled();
			});
			const mails = (footprint["stream events"] ?? 0) / count;
			const by_part = new Map(
				[...times].map(([part, used]) => [part, (used - ms * this.#idle(part)) / count]),
			);
			this.#costs.push({ round, operation, by_part, mails });
			const written = this.#written.get(operation) ?? { times: 0, footprint: {}, ms: 0 };
			written.times += count;
			written.ms += ms;
			add(written.footprint, footprint);
			this.#written.set(operation, written);
		}
	}

	arrangement(): Arrangement {
		const written = new Map<Operation, Footprint>();
		for (const [operation, { times, footprint, ms }] of this.#written) {
			const each = Object.entries(footprint).map(([what, value]) => {
				const idle = ((this.#quiet.written[what] ?? 0) / this.#quiet.ms) * ms;
				return [what, (value - idle) / times];
			});
			written.set(operation, Object.fromEntries(each));
		}
		const quiet = new Map([...this.#quiet.times.keys()].map((part) => [part, 1000 * this.#idle(part)]));
		return { name: this.name, costs: this.#costs, quiet, written };
	}

	async close(): Promise<void> {
		this.#time.stop();
		await this.#books.close();
	}

	/** Returns the share of a core that a component uses when idle. */
	#idle(part: string): number {
		return (this.#quiet.times.get(part) ?? 0) / this.#quiet.ms;
	}

	async #during(work: () => Promise<unknown>) {
		const before = await this.#books.look();
		const begun = performance.now();
		const timesBefore = this.#time.now();
		await work();
		const timesAfter = this.#time.now();
		const ms = performance.now() - begun;
		const after = await this.#books.look();
		const times: Times = new Map(
			[...timesAfter].map(([part, used]) => [part, used - (timesBefore.get(part) ?? 0)]),
		);
		const footprint: Footprint = {};
		for (const [what, value] of Object.entries(after)) {
			footprint[what] = value - (before[what] ?? 0);
		}
		return { times, footprint, ms };
	}

	/** Runs an operation repeatedly and returns the number of repetitions. */
	async #do(operation: Operation, share: number): Promise<number> {
		switch (operation) {
			case "read, of few":
				return this.#repeat(READS * share, (number) => this.#read(number % FEW_PRODUCTS));
			case "read, of many":
				return this.#repeat(READS * share, (number) => this.#read(number));
			case "order, paid":
				return this.#repeat(ORDERS * share, (number) => this.#order(number));
			case "registration":
				return this.#repeat(REGISTRATIONS * share, () => this.#register());
			case "login":
				return this.#repeat(REGISTRATIONS * share, (number) =>
					logIn(this.#request, this.#registered.at(-1 - number) as string, "rahasia-sekali"),
				);
		}
	}

	async #repeat(times: number, work: (number: number) => Promise<unknown>): Promise<number> {
		let next = 0;
		const worker = async () => {
			while (next < times) {
				await work(next++);
			}
		};
		await Promise.all(Array.from({ length: AT_ONCE }, worker));
		return times;
	}

	#read(product: number) {
		return this.#request("GET", `/api/v1/products/${this.#products[product]}`);
	}

	async #order(number: number): Promise<void> {
		const made = this.#made++;
		const token = this.#buyers[number % BUYERS] as string;
		const items = Array.from({ length: LINES }, (_, line) => ({
			product_id: this.#products[(made * LINES + line) % this.#products.length],
			quantity: 1,
		}));
		const body = { items, shipping_address: "Jalan Kopi 7, Bandung 40115" };
		const placed = await this.#request("POST", "/api/v1/orders", { body, token, key: `order-${made}` });
		if (placed.status === 201) {
			await this.#request("POST", `/api/v1/orders/${placed.body.id}/pay`, { token, body: {} });
		}
	}

	async #register(): Promise<void> {
		const name = `customer${this.#made++}`;
		const body = { email: `${name}@toko.test`, username: name, password: "rahasia-sekali", full_name: name };
		await this.#request("POST", "/api/v1/users/register", { body });
		this.#registered.push(body.email);
	}
}

/** Returns the component that a process belongs to. Processes that only start others belong to none. */
function partOf(command: string): string | undefined {
	if (/^postgres: .*\btoko\b|^postgres: autovacuum worker/.test(command)) {
		const name = databases.find((one) => command.includes(`${namespace}_${one}`));
		return name ? `PostgreSQL, ${name}` : OTHER_POSTGRES;
	}
	if (/^postgres: |\/postgres /.test(command)) {
		return OTHER_POSTGRES;
	}
	if (/nats-server/.test(command)) {
		return "NATS";
	}
	if (/secantus|mongod/i.test(command)) {
		return STAND_IN;
	}
	const service = /cli\/node\.ts (\w+)/.exec(command)?.[1];
	if (service !== undefined) {
		return service;
	}
	if (/sending\.ts/.test(command)) {
		return SENDER;
	}
	return /cli\/start\.ts/.test(command) && !/run\.mjs/.test(command) ? WHOLE_SHOP : undefined;
}

function counted(request: Request, count: Count): Request {
	return async (method, path, options) => {
		count.requests++;
		const answer = await request(method, path, options).catch((error: Error) => ({
			status: 0,
			body: { code: String(error.cause ?? error) },
		}));
		if (answer.status < 200 || answer.status >= 300) {
			const route = path.replace(/\?.*$/, "").replace(/\/[0-9a-f-]{24,36}(?=\/|$)/, "/{id}");
			const what = `${method} ${route} ${answer.status} ${answer.body?.code ?? ""}`.trim();
			count.failed.set(what, (count.failed.get(what) ?? 0) + 1);
		}
		return answer;
	};
}

function catalogue(): string {
	const lines = ["sku,name,description,price,stock,category"];
	for (let number = 0; number < READS; number++) {
		const name = `Kopi Gayo ${number}`;
		lines.push(`C-${number},${name},Biji kopi dari Gayo.,${1000 * (1 + (number % 90))},${STOCK},${CATEGORY}`);
	}
	return `${lines.join("\n")}\n`;
}

function add(sum: Footprint, more: Footprint): void {
	for (const [what, value] of Object.entries(more)) {
		sum[what] = (sum[what] ?? 0) + value;
	}
}

const PARTS = [
	...namedServices(""),
	WHOLE_SHOP,
	SENDER,
	...databases.map((name) => `PostgreSQL, ${name}`),
	OTHER_POSTGRES,
	"NATS",
	STAND_IN,
];

/** Returns the median over the rounds of an operation's processor time in one component. */
export function median({ costs }: Arrangement, operation: Operation, part: string): number {
	const found = costs
		.filter((cost) => cost.operation === operation)
		.map(({ by_part }) => by_part.get(part) ?? 0)
		.sort((one, other) => one - other);
	return found[Math.floor(found.length / 2)] as number;
}

/** Prints the costs for a person to read. */
export function printCosts({ store, rounds, arrangements, requests, failed }: Costs): void {
	const [apart, together] = arrangements as [Arrangement, Arrangement];
	for (const arrangement of arrangements) {
		const parts = PARTS.filter((part) => arrangement.quiet.has(part));
		const sums = OPERATIONS.map((operation) => sum(arrangement, operation, parts));
		const mail = (part: string) => (isOfMails(part) ? ofMail(arrangement, part) : 0);
		const idle = (part: string) => arrangement.quiet.get(part) ?? 0;
		const total = (of: (part: string) => number) => parts.reduce((all, part) => all + of(part), 0);
		console.log(`\n${arrangement.name}: milliseconds of processor time, medians of ${rounds} rounds`);
		show([
			["part", ...OPERATIONS, "of the order, a mail", "a quiet second"],
			...parts.map((part) => [
				part,
				...OPERATIONS.map((operation) => figure(median(arrangement, operation, part))),
				arrangement === apart ? figure(mail(part)) : "",
				figure(idle(part)),
			]),
			["all", ...sums.map(figure), arrangement === apart ? figure(total(mail)) : "", figure(total(idle))],
		]);
	}
	console.log("\nfive processes: operations per second of one core, which would then be busy all the time");
	show([
		["part", ...OPERATIONS, "a mail"],
		...PARTS.filter((part) => apart.quiet.has(part)).map((part) => [
			part,
			...OPERATIONS.map((operation) => rate(median(apart, operation, part))),
			isOfMails(part) ? rate(ofMail(apart, part)) : "",
		]),
	]);
	console.log("\nfive processes over NATS cost this many times as much as one process");
	show([
		["", ...OPERATIONS],
		["all", ...OPERATIONS.map((operation) => ratio(apart, together, operation, PARTS))],
		["without the servers", ...OPERATIONS.map((operation) => ratio(apart, together, operation, OWN_PARTS))],
	]);
	console.log(`\nfive processes: written per operation; an order has ${LINES} lines, a key and is paid`);
	const written = (["order, paid", "registration", "login"] as const).map(
		(operation) => [operation, apart.written.get(operation) as Footprint] as const,
	);
	const names = Object.keys(written[0]?.[1] ?? {});
	show([
		["", ...written.map(([operation]) => operation)],
		...names.map((name) => [
			explained(name),
			...written.map(([, footprint]) =>
				(footprint[name] ?? 0).toFixed(name.endsWith("bytes") || name === "wal" ? 0 : 1),
			),
		]),
	]);
	const all = [...failed.values()].reduce((sum, times) => sum + times, 0);
	console.log(`\nstore of the products: ${store}; ${requests} requests, ${all} failed`);
	for (const [what, times] of failed) {
		console.log(`${times} × ${what}`);
	}
}

function explained(name: string): string {
	const [database, what] = name.split(" ");
	switch (what ?? name) {
		case "wal":
			return "bytes of PostgreSQL's log";
		case "database_bytes":
			return `${database}: bytes of the database, with what jobs leave behind`;
		case "bytes":
			return database === "stream"
				? "JetStream: bytes"
				: `${database}: bytes of its own tables and their indexes`;
		case "events":
			return "JetStream: events";
		default:
			return `${database}: ${what}`;
	}
}

/** Tells whether an order uses a component only for its mails. */
function isOfMails(part: string): boolean {
	return ["notifications", SENDER, "users", "PostgreSQL, users", "PostgreSQL, notifications"].includes(part);
}

function ofMail(arrangement: Arrangement, part: string): number {
	const mails = arrangement.costs.find(({ operation }) => operation === "order, paid")?.mails ?? 1;
	return median(arrangement, "order, paid", part) / mails;
}

const OWN_PARTS = [...namedServices(""), WHOLE_SHOP, SENDER];

function sum(arrangement: Arrangement, operation: Operation, parts: string[]): number {
	return parts.reduce((all, part) => all + median(arrangement, operation, part), 0);
}

function ratio(apart: Arrangement, together: Arrangement, operation: Operation, parts: string[]): string {
	return (sum(apart, operation, parts) / sum(together, operation, parts)).toFixed(2);
}

/** Resolution of the measurement: smaller values do not differ from the load of an idle shop. */
const LEAST_MS = 0.05;

function figure(ms: number): string {
	return ms < LEAST_MS ? "" : ms.toFixed(2);
}

function rate(ms: number): string {
	return ms < LEAST_MS ? "" : Math.round(1000 / ms).toString();
}

function show(rows: string[][]): void {
	console.log(
		table(rows, {
			border: getBorderCharacters("void"),
			columnDefault: { alignment: "right" },
			columns: { 0: { alignment: "left" } },
			drawHorizontalLine: () => false,
		}).trimEnd(),
	);
}
