import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { sign } from "../../services/orders/webhook.ts";
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
import { preparedFolder } from "./prepared-folder.ts";

// Users and orders run in separate processes, one of them with a wrong clock; all other clocks are right.

const WEBHOOK_SECRET = "a-secret-of-the-provider-for-tests";
const ENVIRONMENT = {
	ADMIN_EMAIL: "keeper@toko.test",
	ADMIN_PASSWORD: "rahasia-sekali",
	PAYMENT_WEBHOOK_SECRET: WEBHOOK_SECRET,
};
const MINUTE_MS = 60_000;

let folder: string;
let shop: Command;
let request: Request;
/** The processes of users and orders, with the settings of their clocks. */
const nodes = new Map<string, { node: Command; clock: Record<string, string> }>();

beforeAll(async () => {
	folder = await preparedFolder();
	shop = run(folder, ["start"], { ...ENVIRONMENT, SERVICES: "api,products,notifications" });
	await shop.line(/^waiting for users, orders/);
	request = client(/^API +(http:\S+)\/api\/v1/m.exec(shop.output())?.[1] as string);
});

afterAll(cleanUp);

/** Ensures that a service runs with a clock shifted by this amount and this lifetime of orders, and has joined. */
async function ensure(service: string, shift_ms: number, ttl_minutes = ""): Promise<void> {
	const clock = { CLOCK_SHIFT_MS: String(shift_ms), ...(ttl_minutes && { ORDER_TTL_MINUTES: ttl_minutes }) };
	const running = nodes.get(service);
	if (running && isDeepStrictEqual(running.clock, clock)) {
		return;
	}
	running?.node.child.kill("SIGTERM");
	await running?.node.ended();
	const preload = pathToFileURL(join(import.meta.dirname, "shifted-clock.mjs")).href;
	const node = run(folder, ["node", service], {
		...ENVIRONMENT,
		...clock,
		NODE_OPTIONS: `--import=${preload}`,
	});
	nodes.set(service, { node, clock });
	await node.line(/^joined /);
}

// Of the users and orders of the case before, only those whose clock or lifetime of orders differs are restarted.
test.each([
	["users are a minute ahead", MINUTE_MS, 0, "0.25"],
	["users are a minute behind", -MINUTE_MS, 0, "0.25"],
	["orders are a minute ahead", 0, MINUTE_MS, "0.25"],
	// The shift uses up one minute of the lifetime of an order, which is slightly longer.
	["orders are a minute behind", 0, -MINUTE_MS, "1.25"],
])(
	"%s: tokens are good, orders are paid or expire, no unit is lost",
	async (name, users_ms, orders_ms, ttl_minutes) => {
		await ensure("users", users_ms);
		await ensure("orders", orders_ms, ttl_minutes);
		await until("the shop to be ready", async () => (await request("GET", "/health/ready")).status === 200);
		const begun = Date.now();
		const token = await signUp(request, name.replace(/\W+/g, "_"));
		const keeper = await logIn(request, ENVIRONMENT.ADMIN_EMAIL, ENVIRONMENT.ADMIN_PASSWORD);
		const product = {
			name: "Jam",
			description: "",
			price: 1000,
			stock: 10,
			category: "uji",
		};
		const made = await request("POST", "/api/v1/products", { body: product, token: keeper });
		const id = made.body.id;
		const place = async () => {
			const body = { items: [{ product_id: id, quantity: 1 }] };
			const placed = await request("POST", "/api/v1/orders", { body, token });
			expect(placed.status).toBe(201);
			return placed.body.id as string;
		};
		const statusOf = async (order: string) =>
			(await request("GET", `/api/v1/orders/${order}`, { token })).body.status;

		// An order lives for seconds here, in which a busy machine handles few requests.
		const paid = await place();
		expect((await request("POST", `/api/v1/orders/${paid}/pay`, { token })).status).toBe(200);
		const transferred = await place();
		const opened = await request("POST", `/api/v1/orders/${transferred}/pay`, {
			token,
			body: { method: "transfer" },
		});
		expect(opened.status).toBe(202);
		const { reference, amount } = opened.body.payment;
		const event = JSON.stringify({ id: `evt-${reference}`, type: "payment.settled", reference, amount });
		const told = await fetch(`${shopAddress()}/api/v1/payments/webhook`, {
			method: "POST",
			headers: {
				"content-type": "application/json",
				"toko-signature": sign(WEBHOOK_SECRET, event, Math.floor(Date.now() / 1000)),
			},
			body: event,
		});
		expect(told.status).toBe(200);
		expect(await statusOf(transferred)).toBe("paid");

		const forgotten = await place();
		await until(
			"the order that nobody pays to expire",
			async () => (await statusOf(forgotten)) === "expired",
		);
		console.info(
			`${name}: an order with ${ttl_minutes} minutes to pay expired after ${Date.now() - begun} ms`,
		);
		await until("its unit to be back", async () => {
			const { body } = await request("GET", `/api/v1/products/${id}`);
			return body.stock === 8;
		});
		await until("the mails", async () => {
			const { body } = await request("GET", "/api/v1/notifications?limit=100", { token });
			const sent = body.filter(({ status }: { status: string }) => status === "sent");
			const types = sent.map(({ type }: { type: string }) => type).sort();
			return (
				types.join() ===
				["welcome", ...Array(3).fill("order_confirmation"), ...Array(2).fill("order_paid"), "order_expired"]
					.sort()
					.join()
			);
		});
	},
);

test("after all of them the audit finds no breach", async () => {
	const audit = run(folder, ["audit"], ENVIRONMENT);
	expect([await audit.ended(), audit.output()]).toEqual([0, expect.stringMatching(/^no breach$/m)]);
});

function shopAddress(): string {
	return /^API +(http:\S+)\/api\/v1/m.exec(shop.output())?.[1] as string;
}
