import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { contracts } from "../../contracts/services.ts";
import { client, logIn, newFolder, powerCut, type Request } from "../shop-process.ts";
import {
	benchProducts,
	CATEGORY,
	CUSTOMERS,
	HOT_CATEGORY,
	PASSWORD,
	PRODUCTS,
	SOLD_OUT_CATEGORY,
} from "./cases.ts";
import { PostgresCounters } from "./postgres-counters.ts";
import { ProcessorTime } from "./processor-time.ts";
import { startProgram } from "./programs.ts";

export type Shape = "one" | "five";

/** A server under measurement: a limit (the hand-written baseline) or a shop from some checkout. */
export interface Side {
	/** Name such as `limit`, or the name of the shop's folder. */
	name: string;
	kind: "limit" | "shop";
	address: string;
	folder: string;
	/** Port of the mail sink that receives its mails. */
	sink: number;
	/** Number of mails that an order and a payment cause. */
	mails: { order: number; payment: number };
	customers: { email: string; token: string }[];
	products: string[];
	hot_products: string[];
	sold_out_product: string;
	time: ProcessorTime;
	postgres: PostgresCounters;
	/** Milliseconds of processor time per second, by component, when idle. */
	idle: Map<string, number>;
	idle_commits: number;
	/** Megabytes by component. */
	idle_memory: Map<string, number>;
	ready_ms: number;
	/** Restarts it with its data. Returns the milliseconds until it was ready. Afterwards it cannot be measured again. */
	restart(): Promise<number>;
	logged_in_ms: number;
	last_active_ms: number;
	/** Number of orders with response 201. */
	orders: number;
}

const ADMIN = { email: "admin@toko.test", password: "bench-rahasia-sekali" };
/** Beside the gateway. */
const SERVICES = contracts.map(({ name }) => name);
/** Access tokens last 15 minutes. */
const TOKEN_MS = 8 * 60_000;
const AT_ONCE = 16;
/** Time limit for processes to exit before they are killed. */
const STOP_MS = 30_000;
const repository = resolve(import.meta.dirname, "../..");

/** Options of a shop besides its shape. */
export interface ShopOptions {
	/** Folder for the CPU profiles of its processes. */
	profiles?: string | undefined;
	/** Number of processes of its services, such as `orders=2`; only for the shape `five`. */
	counts?: string[];
	environment?: Record<string, string>;
}

/** Starts a shop from the checkout in `directory`, with its own servers in a new folder. */
export async function startShop(
	name: string,
	directory: string,
	shape: Shape,
	sink: number,
	{ profiles, counts = [], environment: extra = {} }: ShopOptions = {},
): Promise<Side> {
	const folder = newFolder();
	const started_at = performance.now();
	const command = shape === "one" ? "start" : "cluster";
	const environment: Record<string, string> = {
		PORT: "0",
		RATE_LIMIT: "0",
		ADMIN_PASSWORD: ADMIN.password,
		SMTP_URL: `smtp://127.0.0.1:${sink}`,
		...(profiles === undefined ? {} : profiling(profiles)),
		...extra,
	};
	const launch = () =>
		startProgram(folder, "shop", ["node", "cli/run.mjs", command, ...counts], {
			cwd: directory,
			environment,
		});
	const program = launch();
	const address = (await program.line(/^ready /)).split(" ")[1] as string;
	const ready_ms = performance.now() - started_at;
	const restart = async () => {
		const killer = setTimeout(() => powerCut(folder), STOP_MS);
		const ended = once(program.child, "close");
		program.child.kill("SIGTERM");
		await ended;
		clearTimeout(killer);
		const again = performance.now();
		await launch().line(/^ready /);
		return performance.now() - again;
	};
	const request = client(address);
	const token = await adminToken(address);
	await inParallel(benchProducts(), async (body) => {
		const { status, body: response } = await request("POST", "/api/v1/products", { body, token });
		if (status !== 201) {
			throw new Error(`${name}: POST /products returned ${status} ${JSON.stringify(response)}`);
		}
	});
	return prepare({
		name,
		kind: "shop",
		address,
		folder,
		sink,
		ready_ms,
		restart,
		mails: { order: 1, payment: 1 },
	});
}

/** Starts a hand-written limit with its own servers in a new folder. */
export async function startLimit(
	shape: Shape,
	sink: number,
	{ profiles, environment: variables = {} }: Omit<ShopOptions, "counts">,
): Promise<Side> {
	const folder = newFolder();
	const started_at = performance.now();
	const run = (name: string, file: string, args: string[], environment: Record<string, string>) => {
		const source = join(repository, "tools/bench/limits", file);
		const options = ["--disable-warning=ExperimentalWarning"];
		const command = [process.execPath, ...options, source, ...args];
		return startProgram(folder, name, command, { cwd: repository, environment });
	};
	const servers = run("servers", "servers.ts", [], variables);
	const urls = JSON.parse((await servers.line(/^ready /)).slice("ready ".length));
	const environment = {
		POSTGRES_URL: await makeDatabase(urls.POSTGRES_URL),
		NATS_URL: urls.NATS_URL,
		SMTP_URL: `smtp://127.0.0.1:${sink}`,
		...(profiles === undefined ? {} : profiling(profiles)),
		...variables,
	};
	let address: string;
	if (shape === "one") {
		const program = run("one", "one.ts", [], environment);
		address = (await program.line(/^ready /)).slice("ready ".length);
	} else {
		const start = (role: string) => run(role, "five.ts", [role], environment);
		const [api, ...others] = [start("api"), ...SERVICES.map(start)];
		await Promise.all([api, ...others].map((program) => program.line(/^ready /)));
		address = (await api.line(/^gateway /)).slice("gateway ".length);
	}
	const ready_ms = performance.now() - started_at;
	return prepare({
		name: "limit",
		kind: "limit",
		address,
		folder,
		sink,
		ready_ms,
		restart: async () => ready_ms,
		mails: { order: 0, payment: 2 },
	});
}

/** Returns a new token for the admin of a shop started by `startShop`. */
export function adminToken(address: string): Promise<string> {
	return logIn(client(address), ADMIN.email, ADMIN.password);
}

/** Renews the tokens of all customers if they expire soon. */
export async function logInAll(side: Side): Promise<void> {
	if (Date.now() - side.logged_in_ms < TOKEN_MS) {
		return;
	}
	const request = client(side.address);
	await inParallel(side.customers, async (customer) => {
		customer.token = await logIn(request, customer.email, PASSWORD);
	});
	side.logged_in_ms = Date.now();
}

type Started = Pick<Side, "name" | "kind" | "address" | "folder" | "sink" | "ready_ms" | "mails" | "restart">;

async function prepare(started: Started): Promise<Side> {
	const request = client(started.address);
	const customers = Array.from({ length: CUSTOMERS }, (_, number) => ({
		email: `customer${number}@toko.test`,
		token: "",
	}));
	await inParallel(customers, async ({ email }) => {
		const username = email.split("@")[0];
		const body = { email, username, password: PASSWORD, full_name: "Budi Santoso" };
		const { status, body: response } = await request("POST", "/api/v1/users/register", { body });
		if (status !== 201) {
			throw new Error(`${started.name}: registration returned ${status} ${JSON.stringify(response)}`);
		}
	});
	const postgres = await PostgresCounters.open(started.folder);
	const time = new ProcessorTime(started.folder, componentOf);
	time.exclude([postgres.pid]);
	const side: Side = {
		...started,
		customers,
		products: await productIds(request, CATEGORY),
		hot_products: await productIds(request, HOT_CATEGORY),
		sold_out_product: (await productIds(request, SOLD_OUT_CATEGORY))[0] as string,
		time,
		postgres,
		idle: new Map(),
		idle_commits: 0,
		idle_memory: new Map(),
		logged_in_ms: 0,
		last_active_ms: Date.now(),
		orders: 0,
	};
	if (side.products.length !== PRODUCTS) {
		throw new Error(`${started.name} lists ${side.products.length} products of ${PRODUCTS}`);
	}
	await logInAll(side);
	return side;
}

async function productIds(request: Request, category: string): Promise<string[]> {
	const ids: string[] = [];
	for (let skip = 0; ; skip += 100) {
		const { body } = await request("GET", `/api/v1/products?category=${category}&limit=100&skip=${skip}`);
		ids.push(...(body as { id: string }[]).map(({ id }) => id));
		if (body.length < 100) {
			return ids;
		}
	}
}

async function makeDatabase(server: string): Promise<string> {
	const admin = new pg.Client({ connectionString: server });
	await admin.connect();
	await admin.query('CREATE DATABASE "limit"');
	await admin.end();
	const url = new URL(server);
	url.pathname = "/limit";
	const database = new pg.Client({ connectionString: url.href });
	await database.connect();
	await database.query(readFileSync(join(repository, "tools/bench/limits/tables.sql"), "utf8"));
	await database.end();
	return url.href;
}

/** Returns the environment that makes a process profile itself; see profiler.mjs. */
function profiling(folder: string): Record<string, string> {
	const profiler = pathToFileURL(join(repository, "tools/bench/profiler.mjs")).href;
	return { NODE_OPTIONS: `--import=${profiler}`, BENCH_PROFILES: folder };
}

/** Returns the component of a process by its command line; undefined for those that only start others. */
export function componentOf(command: string): string | undefined {
	if (/^postgres: |\/postgres /.test(command)) {
		return "PostgreSQL";
	}
	if (/nats-server/.test(command)) {
		return "NATS";
	}
	if (/secantus|mongod\b/i.test(command)) {
		return "MongoDB";
	}
	const service = /(?:cli\/node|limits\/five)\.ts (\w+)/.exec(command)?.[1];
	if (service !== undefined) {
		return service;
	}
	if (/limits\/one\.ts|cli\/start\.ts/.test(command)) {
		return "all in one";
	}
	if (/cli\/cluster\.ts/.test(command)) {
		return "process manager";
	}
	if (/limits\/servers\.ts|run\.mjs/.test(command)) {
		return undefined;
	}
	// A process started by a service, such as the delivery worker.
	return /([\w-]+)\.(?:ts|mjs|js)(?: |$)/.exec(command)?.[1];
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
	let next = 0;
	const worker = async () => {
		while (next < items.length) {
			await work(items[next++] as T);
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
