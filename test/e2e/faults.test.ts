import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import {
	type Command,
	cleanUp,
	client,
	commandOf,
	logIn,
	processesOf,
	type Request,
	run,
	signUp,
	until,
} from "../../tools/shop-process.ts";
import { notRun } from "../not-run.ts";
import { preparedFolder } from "./prepared-folder.ts";
import { SmallDisk, smallDisk, whyNoSmallDisk } from "./small-disk.ts";
import { TcpProxy } from "./tcp-proxy.ts";
import { violations, Witness } from "./witness.ts";

// One shop for all faults: the gateway with users and notifications, products on a MongoDB-compatible server, orders
// connected to NATS through a proxy, and its database on a small disk. Each test leaves the shop healthy.

const ADMIN = { ADMIN_EMAIL: "keeper@toko.test", ADMIN_PASSWORD: "rahasia-sekali" };
/** Longest deadline, that of placing an order, is 15 s; the rest is for busy cores. */
const LONGEST_MS = 30_000;
const noDisk = whyNoSmallDisk();

interface Health {
	status: number;
	services: Record<string, string>;
}

let folder: string;
let shop: Command;
let nodes: { products: Command; orders: Command };
let health: Record<"gateway" | "shop" | "products" | "orders", string>;
let request: Request;
let witness: Witness;
let token: string;
let ids: string[];
let mongo_url: string;
let cable: TcpProxy;
let disk: SmallDisk;

function parts() {
	return JSON.parse(readFileSync(join(folder, "parts.json"), "utf8")).servers;
}

async function healthAddress(command: Command): Promise<string> {
	return (await command.line(/^health at /)).slice("health at ".length);
}

beforeAll(async () => {
	folder = await preparedFolder({ catalogue: false });
	const place = join(folder, "disk");
	const launcher = smallDisk(place, () => undefined);
	const mongo = run(folder, ["mongo"]);
	mongo_url = (await mongo.line(/^ready /)).slice("ready ".length);
	const environment = { ...ADMIN, MONGO_URL: mongo_url };
	shop = run(
		folder,
		["start"],
		{ ...environment, SERVICES: "api,users,notifications", TRUST_PROXY: "loopback" },
		undefined,
		launcher,
	);
	await shop.line(/^waiting for products, orders/);
	const address = /^API +(http:\S+)\/api\/v1/m.exec(shop.output())?.[1] as string;
	request = client(address);

	if (launcher) {
		disk = new SmallDisk(place, shop.child.pid as number);
		disk.folder("orders", join(folder, "postgres"));
		await asSuperuser(async (query) => {
			await query(`CREATE TABLESPACE small LOCATION '${join(place, "orders")}'`);
			await query("ALTER DATABASE toko_orders SET TABLESPACE small");
		});
	}
	cable = new TcpProxy(parts().NATS.port);
	await cable.open();
	const { nats_password } = secrets();
	nodes = {
		products: run(folder, ["node", "products"], environment),
		orders: run(folder, ["node", "orders"], {
			...environment,
			NATS_URL: `nats://toko:${nats_password}@127.0.0.1:${cable.port}`,
		}),
	};
	await shop.line(/^ready /);
	health = {
		gateway: `${address}/health/ready`,
		shop: await healthAddress(shop),
		products: await healthAddress(nodes.products),
		orders: await healthAddress(nodes.orders),
	};
	token = await signUp(request, "budi");
	const { body } = await request("GET", "/api/v1/products?limit=100&in_stock=true");
	ids = body.map(({ id }: { id: string }) => id);
	const keeper = await logIn(request, ADMIN.ADMIN_EMAIL, ADMIN.ADMIN_PASSWORD);
	await request("PUT", `/api/v1/products/${ids[0]}/stock?quantity=100000`, { token: keeper });
	witness = new Witness(address, token, ids.shift() as string);
	await witness.order("first");
});

afterAll(async () => {
	cable?.close();
	await cleanUp();
});

function secrets(): Record<string, string> {
	return JSON.parse(readFileSync(join(folder, "secrets.json"), "utf8"));
}

async function asSuperuser(work: (query: (sql: string) => Promise<unknown>) => Promise<void>): Promise<void> {
	const password = secrets().postgres_superuser_password as string;
	const connection = new pg.Client({
		connectionString: `postgres://postgres:${password}@127.0.0.1:${parts().PostgreSQL.port}/postgres`,
	});
	await connection.connect();
	try {
		await work((sql) => connection.query(sql));
	} finally {
		await connection.end();
	}
}

async function look(of: keyof typeof health): Promise<Health> {
	const begun = Date.now();
	const response = await fetch(health[of], { signal: AbortSignal.timeout(LONGEST_MS) });
	const { services } = (await response.json()) as Health;
	// Probes of operators have short timeouts.
	expect(Date.now() - begun).toBeLessThan(10_000);
	return { status: response.status, services };
}

/** Waits until the health of a process is as expected. */
async function says(of: keyof typeof health, expected: Record<string, string>) {
	let seen: Health | undefined;
	await until(`${of} to say ${JSON.stringify(expected)}`, async () => {
		seen = await look(of);
		return Object.entries(expected).every(([name, state]) => seen?.services[name] === state);
	}).catch((error: Error) => {
		throw new Error(`${error.message}: the last was ${JSON.stringify(seen)}`);
	});
	const isWell = Object.values(seen?.services ?? {}).every((state) => state === "healthy");
	expect(seen?.status).toBe(isWell ? 200 : 503);
}

/** Waits until all processes are ready again without intervention. */
async function isWell(): Promise<void> {
	const begun = Date.now();
	await until("all to be ready", async () => {
		const all = await Promise.all((Object.keys(health) as (keyof typeof health)[]).map(look));
		return all.every(({ status }) => status === 200);
	});
	console.info(`ready again ${Date.now() - begun} ms after it was back`);
}

/**
 * Injects a fault under load and checks the responses to the client. Afterwards the shop must be as healthy as before.
 */
async function endure(name: string, breaking: () => Promise<void>): Promise<void> {
	const before = witness.answers.length;
	await witness.during(name, async () => {
		await wait(300);
		await breaking();
		await isWell();
	});
	const answers = witness.answers.slice(before);
	console.info(`${name}\n${witness.summary(answers).join("\n")}`);
	expect(violations(answers, LONGEST_MS)).toEqual([]);
	await isGood(name);
}

/** Checks that an order succeeds, that every order exists once, and that each has exactly one mail. */
async function isGood(name: string): Promise<void> {
	await witness.order(`after ${name}`);
	const known = [...witness.orders.values()].map((ids) => [...ids]);
	expect(known.filter((ids) => ids.length > 1)).toEqual([]);
	const orders = await all("orders");
	expect(orders.map(({ id }) => id).sort()).toEqual(known.flat().sort());
	await until("every mail", async () => {
		const mails = (await all("notifications")).filter(({ type }) => type === "order_confirmation");
		expect(mails.length).toBeLessThanOrEqual(orders.length);
		return mails.filter(({ status }) => status === "sent").length === orders.length;
	});
}

async function all(path: string): Promise<Record<string, string>[]> {
	const rows: Record<string, string>[] = [];
	for (;;) {
		const page = await request("GET", `/api/v1/${path}?skip=${rows.length}&limit=100`, { token });
		rows.push(...page.body);
		if (page.body.length < 100) {
			return rows;
		}
	}
}

/** Kills a server that is restarted, and keeps it unavailable by occupying its port. */
async function away(
	server: () => { pid: number; port: number },
	happening: () => Promise<void>,
): Promise<void> {
	const { port } = server();
	const squatter = createServer((socket) => socket.destroy());
	await until("its port to be free", async () => {
		try {
			// Again and again, since it is restarted at once.
			process.kill(server().pid, "SIGKILL");
		} catch {
			// It has exited already.
		}
		const taken = new Promise<boolean>((done) => {
			squatter.once("listening", () => done(true)).once("error", () => done(false));
		});
		squatter.listen(port, "127.0.0.1");
		return taken;
	});
	try {
		await happening();
	} finally {
		await new Promise((closed) => squatter.close(closed));
	}
}

function mongoServer(): { pid: number; port: number } {
	const pid = processesOf(folder).find((pid) => commandOf(pid).includes("secantus"));
	return { pid: pid as number, port: Number(new URL(mongo_url).port) };
}

test("NATS restarts: cached pages stay available, the rest is 503 until it is back", async () => {
	await endure("NATS restarted", async () => {
		await away(
			() => parts().NATS,
			async () => {
				await says("gateway", { nats: "unavailable", orders: "unavailable", products: "unavailable" });
				await says("orders", { nats: "unavailable", orders: "healthy" });
				await says("products", { nats: "unavailable", products: "healthy" });
				await wait(3000);
			},
		);
		await shop.line(/^NATS is back/);
	});
});

test("PostgreSQL restarts: products stay visible, orders are 503 until it is back", async () => {
	await endure("PostgreSQL restarted", async () => {
		await away(
			() => parts().PostgreSQL,
			async () => {
				await says("gateway", { users: "unavailable", orders: "unavailable", products: "healthy" });
				await says("shop", { users: "unavailable", notifications: "unavailable", nats: "healthy" });
				await says("orders", { orders: "unavailable", nats: "healthy" });
				await says("products", { products: "healthy", nats: "healthy" });
				await wait(2000);
			},
		);
		await shop.line(/^PostgreSQL is back/);
	});
});

test("MongoDB restarts: cached pages stay available, orders are 503 until it is back", async () => {
	await endure("MongoDB restarted", async () => {
		await away(mongoServer, async () => {
			await says("gateway", { products: "unavailable", orders: "healthy" });
			await says("products", { products: "unavailable", nats: "healthy" });
			await says("orders", { orders: "healthy" });
			await wait(2000);
		});
	});
});

test("MongoDB freezes: cached pages are served with their Age, others fail within their deadline", async () => {
	const [unread] = ids as [string];
	const before = witness.answers.length;
	await endure("MongoDB frozen", async () => {
		const { pid } = mongoServer();
		process.kill(pid, "SIGSTOP");
		try {
			const page = witness.ask("GET unread product", "GET", `/api/v1/products/${unread}`);
			await says("gateway", { products: "unavailable", orders: "healthy" });
			await says("products", { products: "unavailable", nats: "healthy" });
			expect([503, 504]).toContain((await page).status);
			await wait(3000);
		} finally {
			process.kill(pid, "SIGCONT");
		}
	});
	const pages = witness.answers.slice(before).filter(({ what }) => what === "GET product");
	expect(pages.filter(({ age }) => age !== null).length).toBeGreaterThan(0);
	expect(pages.filter(({ status }) => status !== 200)).toEqual([]);
});

test("a node that is cut off from NATS is not ready, gets no calls, and returns with the connection", async () => {
	await endure("orders partitioned", async () => {
		cable.pull();
		try {
			await says("orders", { nats: "unavailable", orders: "healthy" });
			await says("gateway", { orders: "unavailable", products: "healthy", nats: "healthy" });
			await wait(4000);
		} finally {
			cable.putBack();
		}
	});
});

test("a node whose connection was silently dropped notices, and reconnects", async () => {
	await endure("orders partitioned, connection forgotten", async () => {
		cable.pull();
		try {
			await says("orders", { nats: "unavailable" });
			await wait(2000);
		} finally {
			cable.putBackAnew();
		}
	});
});

if (noDisk === undefined) {
	test("the disk of the outbox's database is full: an order is 503 and holds nothing; with space it goes on", async () => {
		await endure("disk full", async () => {
			disk.fill();
			const before = witness.answers.length;
			try {
				await until("the disk to be full for orders", () =>
					witness.answers.slice(before).some(({ what, status }) => what === "POST order" && status === 503),
				);
				await nodes.orders.line(/could not extend file|No space left on device/);
				await wait(3000);
				// Failed writes hold no units: only the units of orders are held.
				let held = Number.NaN;
				await until("the held units", async () => {
					held = await heldUnits();
					return !Number.isNaN(held);
				});
				expect(held - (await all("orders")).length).toBeLessThanOrEqual(1);
				// Reads still succeed.
				await says("orders", { orders: "healthy", nats: "healthy" });
			} finally {
				disk.empty();
			}
		});
	});
} else {
	notRun("a full disk under the outbox's database", noDisk);
}

test("after all faults the audit finds no breach", async () => {
	const audit = run(folder, ["audit"], { MONGO_URL: mongo_url });
	expect([await audit.ended(), audit.output()]).toEqual([0, expect.stringMatching(/^no breach$/m)]);
});

/** Returns the number of held units of all products. */
async function heldUnits(): Promise<number> {
	const audit = run(folder, ["repl"], { MONGO_URL: mongo_url }, `stock ${witness.product}\n`);
	await audit.ended();
	const row =
		audit
			.output()
			.split("\n")
			.find((line) => line.includes(witness.product)) ?? "";
	return Number(/ (\d+) +(\d+) /.exec(row)?.[2]);
}
