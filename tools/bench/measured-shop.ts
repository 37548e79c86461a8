import { databases } from "../../contracts/services.ts";
import {
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

export type Store = "mongo" | "nedb";

/**
 * Number of product reads in a round: repeated reads of a few products, whose responses may be cached, and one read of
 * each of many.
 */
const READS = 1500;
const FEW_PRODUCTS = 50;
const ORDERS = 250;
/** Number of products in an order. */
export const LINES = 2;
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

export const OTHER_POSTGRES = "PostgreSQL, WAL and checkpoints";

export const OPERATIONS = [
	"read, few products",
	"read, many products",
	"order, paid",
	"registration",
	"login",
] as const;
export type Operation = (typeof OPERATIONS)[number];

/** Processor time of an operation in one round, by component. */
export interface Cost {
	round: number;
	operation: Operation;
	by_component: Times;
	mails: number;
}

/** Costs of a shop in one arrangement of processes. */
export interface Arrangement {
	name: "five processes" | "one process";
	costs: Cost[];
	/** Milliseconds of processor time per second of an idle shop. */
	quiet: Times;
	/** Data written by each operation, per operation, over all rounds. */
	written: Map<Operation, Footprint>;
}

/** The requests of a measurement. */
export interface Count {
	requests: number;
	/** Number of unexpected responses by kind, such as `POST /api/v1/orders 503`. */
	failed: Map<string, number>;
}

/** A running shop whose operations are measured. */
export class MeasuredShop {
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

	static async start(
		name: Arrangement["name"],
		store: Store,
		smtp: string,
		count: Count,
	): Promise<MeasuredShop> {
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
		const shop = new MeasuredShop(name, counted(client(address), count), reader, time);
		await shop.#prepare();
		return shop;
	}

	async #prepare(): Promise<void> {
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
