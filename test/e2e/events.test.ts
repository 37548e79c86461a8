import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import pg from "pg";
import {
	type Command,
	cleanUp,
	client,
	logIn,
	type Request,
	run,
	signUp,
	until,
} from "../../tools/shop-process.ts";
import { notRun } from "../not-run.ts";
import { preparedFolder } from "./prepared-folder.ts";
import { SmallDisk, smallDisk, whyNoSmallDisk } from "./small-disk.ts";

// One shop: two orders processes, one of which relays events, a separate notifications process, and NATS, on a small
// disk if the machine allows. No process other than NATS is restarted.

const ADMIN = { ADMIN_EMAIL: "keeper@toko.test", ADMIN_PASSWORD: "rahasia-sekali" };
const PASSWORD = "rahasia-sekali";
const noDisk = whyNoSmallDisk();

let folder: string;
let shop: Command;
let address: string;
let notifications: Command;
let request: Request;
let token: string;
let product: string;
let disk: SmallDisk | undefined;
let placed: string[];

beforeAll(async () => {
	folder = await preparedFolder();
	const place = join(folder, "nats");
	const launcher = smallDisk(place, () => undefined);
	shop = run(folder, ["start"], { ...ADMIN, SERVICES: "api,users,products" }, undefined, launcher);
	await shop.line(/^waiting for orders, notifications/);
	if (launcher) {
		disk = new SmallDisk(place, shop.child.pid as number);
	}
	address = /^API +(http:\S+)\/api\/v1/m.exec(shop.output())?.[1] as string;
	request = client(address);
	const orders = [run(folder, ["node", "orders"]), run(folder, ["node", "orders"])];
	notifications = run(folder, ["node", "notifications"]);
	await shop.line(/^ready /);
	await Promise.all(orders.map((node) => node.line(/^joined /)));
	token = await signUp(request, "budi");
	product = (await request("GET", "/api/v1/products?limit=1&in_stock=true")).body[0].id;
	const keeper = await logIn(request, ADMIN.ADMIN_EMAIL, ADMIN.ADMIN_PASSWORD);
	await request("PUT", `/api/v1/products/${product}/stock?quantity=10000`, { token: keeper });
	placed = [];
});

afterAll(cleanUp);

/** Returns the id of the process itself, not of its launcher. */
async function pidOf(command: Command): Promise<number> {
	return Number(/ as \S+-(\d+): /.exec(await command.line(/^joined /))?.[1]);
}

/** Returns the id of the process that relays the events of orders. */
async function relay(): Promise<number> {
	let pid = 0;
	await until("a relay", async () => {
		const { rows } = await query(
			"orders",
			`SELECT application_name FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
			WHERE application_name LIKE 'toko orders relay%' AND locktype = 'advisory' AND granted`,
		);
		pid = Number(/-(\d+)$/.exec(rows[0]?.application_name)?.[1]);
		return pid > 0;
	});
	return pid;
}

/** Places orders, each until it is accepted. */
async function order(count: number): Promise<void> {
	for (let number = 0; number < count; number++) {
		const key = `key-${placed.length}`;
		const body = { items: [{ product_id: product, quantity: 1 }] };
		await until("an order to be accepted", async () => {
			const { status, body: answer } = await request("POST", "/api/v1/orders", { body, token, key });
			if (status === 201) {
				placed.push(answer.number);
			}
			return status === 201;
		});
	}
}

/** Returns the number of confirmations for each order. */
async function confirmations(): Promise<number[]> {
	const found: { subject: string; type: string; status: string }[] = [];
	for (let skip = 0; skip === found.length; skip += 100) {
		const { status, body } = await request("GET", `/api/v1/notifications?skip=${skip}&limit=100`, { token });
		// Its process was frozen a moment ago.
		if (status !== 200) {
			return placed.map(() => 0);
		}
		found.push(...body);
	}
	const sent = found.filter(({ type, status }) => type === "order_confirmation" && status === "sent");
	return placed.map((number) => sent.filter(({ subject }) => subject.includes(number)).length);
}

async function everyMailOnce(): Promise<void> {
	await until("every mail to be sent", async () => (await confirmations()).every((count) => count > 0));
	expect(new Set(await confirmations())).toEqual(new Set([1]));
}

async function noBreach(): Promise<void> {
	const audit = run(folder, ["audit"]);
	expect([await audit.ended(), audit.output()]).toEqual([0, expect.stringMatching(/^no breach$/m)]);
}

async function query(database: string, sql: string): Promise<pg.QueryResult> {
	const { servers } = JSON.parse(readFileSync(join(folder, "parts.json"), "utf8"));
	const { postgres_password } = JSON.parse(readFileSync(join(folder, "secrets.json"), "utf8"));
	const connection = new pg.Client(
		`postgres://toko:${postgres_password}@127.0.0.1:${servers.PostgreSQL.port}/toko_${database}`,
	);
	await connection.connect();
	try {
		return await connection.query(sql);
	} finally {
		await connection.end();
	}
}

const allPublished = () =>
	until("every event to be published", async () => {
		const waiting = await Promise.all(
			["users", "orders"].map((name) => query(name, "SELECT 1 FROM outbox WHERE published_at IS NULL")),
		);
		return waiting.every(({ rowCount }) => rowCount === 0);
	});

test("a relay that is frozen has a successor within seconds, and does no harm when it wakes beside it", async () => {
	await order(3);
	await everyMailOnce();
	const frozen = await relay();
	process.kill(frozen, "SIGSTOP");
	const begun = Date.now();
	try {
		await order(5);
		await everyMailOnce();
		expect(await relay()).not.toBe(frozen);
		process.stderr.write(`mails ${Date.now() - begun} ms after the relay froze, orders included\n`);
	} finally {
		process.kill(frozen, "SIGCONT");
	}
	await order(5);
	await everyMailOnce();
	await noBreach();
});

test("a relay that is killed has a successor within seconds", async () => {
	await order(2);
	process.kill(await relay(), "SIGKILL");
	const begun = Date.now();
	await order(3);
	await allPublished();
	process.stderr.write(`published ${Date.now() - begun} ms after the relay was killed, orders included\n`);
	await everyMailOnce();
});

test("events that were published and not taken are sent again when NATS has lost its folder, a deletion among them", async () => {
	const other = await signUp(request, "hapus");
	const { body: me } = await request("GET", "/api/v1/users/me", { token: other });
	await until("the welcome", async () => {
		const { body } = await request("GET", "/api/v1/notifications", { token: other });
		return body.some(({ status }: { status: string }) => status === "sent");
	});
	const reader = await pidOf(notifications);
	process.kill(reader, "SIGSTOP");
	try {
		await order(5);
		const deleted = await request("DELETE", `/api/v1/users/${me.id}`, {
			body: { password: PASSWORD },
			token: other,
		});
		expect(deleted.status).toBe(204);
		await allPublished();
		const { servers } = JSON.parse(readFileSync(join(folder, "parts.json"), "utf8"));
		// Stopped before it is killed, since it is restarted at once.
		process.kill(servers.NATS.pid, "SIGSTOP");
		if (disk) {
			disk.remove("jetstream");
		} else {
			rmSync(join(folder, "nats/jetstream"), { recursive: true });
		}
		process.kill(servers.NATS.pid, "SIGKILL");
		await shop.line(/^NATS is back/);
		await order(2);
	} finally {
		process.kill(reader, "SIGCONT");
	}
	await everyMailOnce();
	await until("the deletion to arrive", async () => {
		const { rows } = await query(
			"notifications",
			`SELECT sequence FROM inbox WHERE aggregate = 'user:${me.id}'`,
		);
		return rows[0]?.sequence === 2;
	});
	await noBreach();
});

const whenFull = "events leave within seconds after the disk of NATS was full";

async function afterFullDisk(): Promise<void> {
	disk?.fill();
	try {
		await order(20);
		await until("events to wait", async () => {
			const { rowCount } = await query("orders", "SELECT 1 FROM outbox WHERE published_at IS NULL");
			return (rowCount ?? 0) > 0;
		});
	} finally {
		disk?.empty();
	}
	const begun = Date.now();
	await allPublished();
	process.stderr.write(`published ${Date.now() - begun} ms after there was space\n`);
	await everyMailOnce();
	await noBreach();
}

if (noDisk === undefined) {
	test(whenFull, afterFullDisk);
} else {
	notRun(whenFull, noDisk);
}
