import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { getBorderCharacters, table } from "table";
import { databases } from "../../contracts/services.ts";
import { namedServices } from "../../hosting/services.ts";
import {
	cleanUp,
	client,
	importCatalogue,
	logIn,
	namespace,
	newFolder,
	type Request,
	readyAddress,
	run,
	signUp,
} from "../shop-process.ts";
import { type Footprint, FootprintReader } from "./footprint.ts";
import { ProcessorTime, type Times } from "./processor-time.ts";
import { componentOf } from "./side.ts";
import { median } from "./statistics.ts";

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

const WHOLE_SHOP = "all in one";
const DELIVERY_WORKER = "delivery-worker";
const OTHER_POSTGRES = "PostgreSQL, WAL and checkpoints";

const OPERATIONS = [
	"read, few products",
	"read, many products",
	"order, paid",
	"registration",
	"login",
] as const;
type Operation = (typeof OPERATIONS)[number];

/** Processor time of an operation in one round, by component. */
interface Cost {
	round: number;
	operation: Operation;
	by_component: Times;
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
	log: (line: string) => void,
): Promise<Costs> {
	const mailServer = new Worker(new URL("./mail-sink.ts", import.meta.url), { workerData: "silent" });
	const shops: Shop[] = [];
	try {
		const [port] = (await once(mailServer, "message")) as [number];
		const count = { requests: 0, failed: new Map<string, number>() };
		for (const name of ["five processes", "one process"] as const) {
			log(`starting a shop of ${name}`);
			shops.push(await Shop.start(name, store, `smtp://127.0.0.1:${port}`, count));
		}
		for (const shop of shops) {
			await shop.warmUp();
			log(`${shop.name}: warm`);
		}
		for (let round = 1; round <= rounds; round++) {
			for (const shop of shops) {
				await shop.measure(round);
				log(`${shop.name}: round ${round} of ${rounds}`);
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
	#reader: FootprintReader;
	#time: ProcessorTime;
	#products: string[] = [];
	#buyers: string[] = [];
	#registered: string[] = [];
	#made = 0;
	#costs: Cost[] = [];
	#quiet: { ms: number; times: Times; written: Footprint } = { ms: 0, times: new Map(), written: {} };
	#written = new Map<Operation, { times: number; footprint: Footprint; ms: number }>();

	private constructor(
		name: Arrangement["name"],
		request: Request,
		reader: FootprintReader,
		time: ProcessorTime,
	) {
		this.name = name;
		this.#request = request;
		this.#reader = reader;
		this.#time = time;
	}

	static async start(name: Arrangement["name"], store: Store, smtp: string, count: Count): Promise<Shop> {
		const folder = newFolder();
		const environment: Record<string, string> = { SMTP_URL: smtp, SERVICES: "" };
		if (store === "mongo") {
			environment.MONGO_URL = await readyAddress(run(folder, ["mongo"]), 300_000);
		}
		const command = run(folder, [name === "five processes" ? "cluster" : "start"], environment);
		const address = await readyAddress(command, 180_000);
		await importCatalogue(folder, catalogue(), environment);
		const reader = await FootprintReader.open(folder);
		const time = new ProcessorTime(folder, componentByDatabase);
		time.exclude(await reader.processes());
		const shop = new Shop(name, counted(client(address), count), reader, time);
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
		await this.#reader.settled();
	}

	async measure(round: number): Promise<void> {
		const quiet = await this.#during(() => new Promise((wake) => setTimeout(wake, QUIET_MS)));
		this.#quiet.ms += quiet.ms;
		add(this.#quiet.written, quiet.footprint);
		for (const [component, ms] of quiet.times) {
			this.#quiet.times.set(component, (this.#quiet.times.get(component) ?? 0) + ms);
		}
		for (const operation of OPERATIONS) {
			let count = 0;
			const { times, footprint, ms } = await this.#during(async () => {
				count = await this.#do(operation, 1);
				await this.#reader.settled();
			});
			const mails = (footprint["stream events"] ?? 0) / count;
			const by_component = new Map(
				[...times].map(([component, used]) => [component, (used - ms * this.#idle(component)) / count]),
			);
			this.#costs.push({ round, operation, by_component, mails });
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
		const quiet = new Map(
			[...this.#quiet.times.keys()].map((component) => [component, 1000 * this.#idle(component)]),
		);
		return { name: this.name, costs: this.#costs, quiet, written };
	}

	async close(): Promise<void> {
		this.#time.stop();
		await this.#reader.close();
	}

	/** Returns the share of a core that a component uses when idle. */
	#idle(component: string): number {
		return (this.#quiet.times.get(component) ?? 0) / this.#quiet.ms;
	}

	async #during(work: () => Promise<unknown>) {
		const before = await this.#reader.read();
		const started_at = performance.now();
		const timesBefore = this.#time.now();
		await work();
		const timesAfter = this.#time.now();
		const ms = performance.now() - started_at;
		const after = await this.#reader.read();
		const times: Times = new Map(
			[...timesAfter].map(([component, used]) => [component, used - (timesBefore.get(component) ?? 0)]),
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
			case "read, few products":
				return this.#repeat(READS * share, (number) => this.#read(number % FEW_PRODUCTS));
			case "read, many products":
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

/** Returns the component of a process; PostgreSQL's sessions are separated by their database. */
function componentByDatabase(command: string): string | undefined {
	if (!/^postgres: |\/postgres /.test(command)) {
		return componentOf(command);
	}
	const database = databases.find((name) => command.includes(`${namespace}_${name}`));
	return database ? `PostgreSQL, ${database}` : OTHER_POSTGRES;
}

function counted(request: Request, count: Count): Request {
	return async (method, path, options) => {
		count.requests++;
		const response = await request(method, path, options).catch((error: Error) => ({
			status: 0,
			body: { code: String(error.cause ?? error) },
		}));
		if (response.status < 200 || response.status >= 300) {
			const route = path.replace(/\?.*$/, "").replace(/\/[0-9a-f-]{24,36}(?=\/|$)/, "/{id}");
			const what = `${method} ${route} ${response.status} ${response.body?.code ?? ""}`.trim();
			count.failed.set(what, (count.failed.get(what) ?? 0) + 1);
		}
		return response;
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

const COMPONENTS = [
	...namedServices(""),
	WHOLE_SHOP,
	DELIVERY_WORKER,
	...databases.map((name) => `PostgreSQL, ${name}`),
	OTHER_POSTGRES,
	"NATS",
	"MongoDB",
];

/** Returns the median over the rounds of an operation's processor time in one component. */
function medianCost({ costs }: Arrangement, operation: Operation, component: string): number {
	return median(
		costs
			.filter((cost) => cost.operation === operation)
			.map(({ by_component }) => by_component.get(component) ?? 0),
	);
}

/** Prints the costs for a person to read. */
export function printCosts({ store, rounds, arrangements, requests, failed }: Costs): void {
	const [apart, together] = arrangements as [Arrangement, Arrangement];
	for (const arrangement of arrangements) {
		const components = COMPONENTS.filter((component) => arrangement.quiet.has(component));
		const sums = OPERATIONS.map((operation) => sum(arrangement, operation, components));
		const mail = (component: string) => (isOfMails(component) ? ofMail(arrangement, component) : 0);
		const idle = (component: string) => arrangement.quiet.get(component) ?? 0;
		const total = (of: (component: string) => number) =>
			components.reduce((all, component) => all + of(component), 0);
		console.log(`\n${arrangement.name}: milliseconds of processor time, medians of ${rounds} rounds`);
		show([
			["component", ...OPERATIONS, "per mail of the order", "idle, per second"],
			...components.map((component) => [
				component,
				...OPERATIONS.map((operation) => figure(medianCost(arrangement, operation, component))),
				arrangement === apart ? figure(mail(component)) : "",
				figure(idle(component)),
			]),
			["all", ...sums.map(figure), arrangement === apart ? figure(total(mail)) : "", figure(total(idle))],
		]);
	}
	console.log("\nfive processes: operations per second that saturate one core");
	show([
		["component", ...OPERATIONS, "mail"],
		...COMPONENTS.filter((component) => apart.quiet.has(component)).map((component) => [
			component,
			...OPERATIONS.map((operation) => rate(medianCost(apart, operation, component))),
			isOfMails(component) ? rate(ofMail(apart, component)) : "",
		]),
	]);
	console.log("\nfive processes over NATS: cost relative to one process");
	show([
		["", ...OPERATIONS],
		["all", ...OPERATIONS.map((operation) => ratio(apart, together, operation, COMPONENTS))],
		[
			"without the servers",
			...OPERATIONS.map((operation) => ratio(apart, together, operation, OWN_COMPONENTS)),
		],
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
	console.log(`\nproducts' store: ${store}; ${requests} requests, ${all} failed`);
	for (const [what, times] of failed) {
		console.log(`${times} × ${what}`);
	}
}

function explained(name: string): string {
	const [database, what] = name.split(" ");
	switch (what ?? name) {
		case "wal":
			return "PostgreSQL: bytes of WAL";
		case "database_bytes":
			return `${database}: bytes of the database, including dead rows of jobs`;
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
	return [
		"notifications",
		DELIVERY_WORKER,
		"users",
		"PostgreSQL, users",
		"PostgreSQL, notifications",
	].includes(part);
}

function ofMail(arrangement: Arrangement, component: string): number {
	const mails = arrangement.costs.find(({ operation }) => operation === "order, paid")?.mails ?? 1;
	return medianCost(arrangement, "order, paid", component) / mails;
}

const OWN_COMPONENTS = [...namedServices(""), WHOLE_SHOP, DELIVERY_WORKER];

function sum(arrangement: Arrangement, operation: Operation, components: string[]): number {
	return components.reduce((all, component) => all + medianCost(arrangement, operation, component), 0);
}

function ratio(
	apart: Arrangement,
	together: Arrangement,
	operation: Operation,
	components: string[],
): string {
	return (sum(apart, operation, components) / sum(together, operation, components)).toFixed(2);
}

/** Resolution of the measurement: smaller values do not differ from the load of an idle shop. */
const RESOLUTION_MS = 0.05;

function figure(ms: number): string {
	return ms < RESOLUTION_MS ? "" : ms.toFixed(2);
}

function rate(ms: number): string {
	return ms < RESOLUTION_MS ? "" : Math.round(1000 / ms).toString();
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
