import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { connect } from "nats";
import { cleanUp, commandOf, processesOf, until } from "../../tools/shop-process.ts";
import { edgesOf } from "./otlp-receiver.ts";
import {
	connectTo,
	natsOf,
	PERSON,
	startTracedShop,
	type TracedResponse,
	type TracedShop,
} from "./traced-shop.ts";

// A cluster of seven processes, two of them of orders, exports its traces to a receiver of the test. No trace is sampled but
// those that the test, as a trusted proxy, has sampled.

let shop: TracedShop;

beforeAll(async () => {
	shop = await startTracedShop();
	await until("the welcome mails of the admin and the customer", () => shop.mails.length === 2);
});

afterAll(async () => {
	await shop.close();
	await cleanUp();
});

/** Edges from an event in notifications to its mail. */
const handled = (event: string) => [
	`notifications:CONSUMER:process ${event} > notifications:CLIENT:BEGIN toko_notifications`,
	`notifications:CONSUMER:process ${event} > notifications:CLIENT:SELECT toko_notifications`,
	`notifications:CONSUMER:process ${event} > notifications:CLIENT:WITH toko_notifications`,
	`notifications:CONSUMER:process ${event} > notifications:CLIENT:COMMIT toko_notifications`,
	`orders:PRODUCER:send ${event} > notifications:CONSUMER:process ${event}`,
];

/** Edges of an attempt to send a mail. */
const mailed = (event: string) => [...asked(event), ...sent(event)];

const asked = (event: string) => [
	`notifications:CONSUMER:process ${event} > notifications:CLIENT:v1.users.contacts`,
	"notifications:CLIENT:v1.users.contacts > users:SERVER:v1.users.contacts",
	"users:SERVER:v1.users.contacts > users:CLIENT:SELECT toko_users",
];

const sent = (event: string) => [
	`notifications:CONSUMER:process ${event} > delivery-worker:CLIENT:send mail`,
];

/** Edges of a request that places an order, up to its event. */
const PLACED = [
	"client > api:SERVER:POST /api/v1/orders",
	"api:SERVER:POST /api/v1/orders > api:CLIENT:v1.orders.place",
	"api:CLIENT:v1.orders.place > orders:SERVER:v1.orders.place",
	"orders:SERVER:v1.orders.place > orders:CLIENT:v1.products.reserve",
	"orders:CLIENT:v1.products.reserve > products:SERVER:v1.products.reserve",
	"products:SERVER:v1.products.reserve > products:CLIENT:find products",
	"products:SERVER:v1.products.reserve > products:CLIENT:updateMany products",
	"orders:SERVER:v1.orders.place > orders:CLIENT:SELECT toko_orders",
	"orders:SERVER:v1.orders.place > orders:PRODUCER:send order.placed",
];

/** Edges of a request that pays an order at once, up to its event. */
const PAID = [
	"client > api:SERVER:POST /api/v1/orders/:id/pay",
	"api:SERVER:POST /api/v1/orders/:id/pay > api:CLIENT:v1.orders.pay",
	"api:CLIENT:v1.orders.pay > orders:SERVER:v1.orders.pay",
	// Finds the order, opens the payment, records it as settled, and reads the order again.
	...Array<string>(4).fill("orders:SERVER:v1.orders.pay > orders:CLIENT:SELECT toko_orders"),
	"orders:SERVER:v1.orders.pay > orders:CLIENT:charge sandbox",
	"orders:CLIENT:charge sandbox > orders:CLIENT:INSERT toko_orders",
	"orders:CLIENT:charge sandbox > orders:CLIENT:SELECT toko_orders",
	"orders:SERVER:v1.orders.pay > orders:PRODUCER:send order.paid",
	"orders:PRODUCER:send order.paid > products:CONSUMER:process order.paid",
	"products:CONSUMER:process order.paid > products:CLIENT:find products",
	"products:CONSUMER:process order.paid > products:CLIENT:updateMany products",
];

const place = () =>
	shop.traced("POST", "/api/v1/orders", {
		items: [{ product_id: shop.product, quantity: 1 }],
		shipping_address: `Jalan ${PERSON} 7`,
	});

const edges = ({ trace_id, span_id }: TracedResponse) => edgesOf(shop.receiver.spans, trace_id, [span_id]);
const spansOf = ({ trace_id }: TracedResponse) =>
	shop.receiver.spans.filter(({ traceId }) => traceId === trace_id);

/** Waits until the edges of a trace are these, and checks it with all differences. */
async function expectEdges(response: TracedResponse, expected: string[]): Promise<void> {
	const wanted = [...expected].sort();
	await until("the spans of the trace", () => edges(response).length >= wanted.length).catch(() => undefined);
	expect(edges(response)).toEqual(wanted);
}

/** Returns the process of the cluster with this program and arguments. */
function processOf(program: string): number {
	const [pid] = processesOf(shop.folder).filter((one) => commandOf(one).includes(program));
	return pid as number;
}

/** Keeps notifications from queueing mails until the returned function is called. Resolves once `work` waits for it. */
async function blocked(work: () => Promise<TracedResponse>) {
	const connection = await connectTo(shop.folder, "notifications");
	await connection.query("BEGIN");
	await connection.query("LOCK TABLE notifications IN EXCLUSIVE MODE");
	const response = await work();
	const watcher = await connectTo(shop.folder, "notifications");
	await until("notifications to wait", async () => {
		const { rows } = await watcher.query(
			"SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INSERT INTO notifications%'",
		);
		return rows.length > 0;
	});
	await watcher.end();
	const release = async () => {
		await connection.query("ROLLBACK");
		await connection.end();
	};
	return { response, release };
}

test("an order is one trace from its request to its mail, and so is its payment", async () => {
	const order = await place();
	expect(order.status).toBe(201);
	await expectEdges(order, [...PLACED, ...handled("order.placed"), ...mailed("order.placed")]);
	await until("an exemplar that names the trace", async () =>
		(await shop.metrics()).includes(`trace_id="${order.trace_id}"`),
	);
	const payment = await shop.traced("POST", `/api/v1/orders/${order.body.id}/pay`, { method: "instant" });
	expect(payment.status).toBe(200);
	await expectEdges(payment, [
		...PAID,
		...handled("order.paid"),
		...mailed("order.paid"),
		// For the text message, which is sent only to users with a phone.
		...asked("order.paid"),
	]);

	const spans = spansOf(order);
	const parents = new Map(spans.map((span) => [span.spanId, span]));
	const asynchronous = spans.filter(({ name }) => /^(send|process) /.test(name));
	expect(asynchronous.map(({ name }) => name).sort()).toEqual([
		"process order.placed",
		"send mail",
		"send order.placed",
	]);
	for (const { parentSpanId, links } of asynchronous) {
		expect(links.map(({ spanId }) => spanId)).toEqual([parentSpanId]);
		expect(parents.has(parentSpanId as string)).toBe(true);
	}
	expect(spans.find(({ name }) => name === "v1.orders.place")?.attributes).toEqual([
		{ key: "rpc.system.name", value: { stringValue: "moleculer" } },
		{ key: "rpc.method", value: { stringValue: "v1.orders.place" } },
	]);
});

test("a mail that is retried stays in its trace", async () => {
	shop.nextMail({ is: "refused" });
	const order = await place();
	await expectEdges(order, [
		...PLACED,
		...handled("order.placed"),
		...mailed("order.placed"),
		...mailed("order.placed"),
	]);
	const tries = spansOf(order).filter(({ name }) => name === "send mail");
	expect(tries.map(({ status }) => status.code ?? 0).sort()).toEqual([0, 2]);
});

test("a mail whose worker is killed is sent by the next one, in its trace", async () => {
	const before = shop.given();
	shop.nextMail({ is: "held", until: new Promise(() => undefined) });
	const order = await place();
	await until("the mail to be given", () => shop.given() > before);
	process.kill(processOf("services/notifications/delivery-worker.ts"), "SIGKILL");
	await expectEdges(order, [
		...PLACED,
		...handled("order.placed"),
		// The span of the killed worker is lost.
		...asked("order.placed"),
		...mailed("order.placed"),
	]);
});

test("an event whose consumer is killed is handled by the next one, in its trace", async () => {
	const { response: order, release } = await blocked(place);
	process.kill(processOf("cli/node.ts notifications"), "SIGKILL");
	await release();
	await expectEdges(order, [...PLACED, ...handled("order.placed"), ...mailed("order.placed")]);
});

test("an event that is redelivered stays in its trace", async () => {
	const { response: order, release } = await blocked(place);
	const nats = await connect(natsOf(shop.folder));
	const manager = await nats.jetstreamManager();
	const frozen = processOf("cli/node.ts notifications");
	process.kill(frozen, "SIGSTOP");
	try {
		await until("the event to be redelivered", async () => {
			const { num_redelivered } = await manager.consumers.info("toko_events", "notifications");
			return num_redelivered > 0;
		});
	} finally {
		process.kill(frozen, "SIGCONT");
	}
	await release();
	await nats.close();
	const expected = new Set([...PLACED, ...handled("order.placed"), ...mailed("order.placed")]);
	await until("the spans of all processes, and the event a second time", () => {
		const deliveries = edges(order).filter((edge) => edge.endsWith("process order.placed"));
		return deliveries.length > 1 && [...expected].every((edge) => edges(order).includes(edge));
	});
	// The second delivery does nothing, so there are no other edges, only some of them more often.
	expect([...new Set(edges(order))]).toEqual([...expected].sort());
	expect(edges(order).filter((edge) => edge.endsWith("send mail"))).toHaveLength(1);
});

test("a request that failed is exported from all its processes, although it was not sampled", async () => {
	const connection = await connectTo(shop.folder, "orders");
	await connection.query("BEGIN");
	await connection.query("LOCK TABLE orders IN EXCLUSIVE MODE");
	const sampled = shop.receiver.spans.length;
	const { status } = await shop.request("POST", "/api/v1/orders", {
		body: { items: [{ product_id: shop.product, quantity: 1 }] },
		token: shop.token,
	});
	await connection.query("ROLLBACK");
	await connection.end();
	expect(status).toBeGreaterThanOrEqual(500);
	const failed = await (async () => {
		await until("the failed request", () => shop.receiver.spans.slice(sampled).some(isFailedOrder));
		return shop.receiver.spans.slice(sampled).find(isFailedOrder)?.traceId as string;
	})();
	const edgesOfFailed = () => edgesOf(shop.receiver.spans, failed);
	const expected = [
		"ROOT > api:SERVER:POST /api/v1/orders",
		"api:SERVER:POST /api/v1/orders > api:CLIENT:v1.orders.place",
		"api:CLIENT:v1.orders.place > orders:SERVER:v1.orders.place",
		"orders:SERVER:v1.orders.place > orders:CLIENT:v1.products.reserve",
		"orders:CLIENT:v1.products.reserve > products:SERVER:v1.products.reserve",
		"products:SERVER:v1.products.reserve > products:CLIENT:updateMany products",
	];
	await until("the spans of all processes", () => expected.every((edge) => edgesOfFailed().includes(edge)));
});

const isFailedOrder = ({ name, status }: TracedShop["receiver"]["spans"][number]) =>
	name === "POST /api/v1/orders" && status.code === 2;

test("no span is an orphan or holds personal data, also of those that arrive when the shop stops", async () => {
	const home = await shop.traced("POST", "/api/v1/users/me/addresses", {
		...{ recipient: PERSON, phone: "+6281234567890", line1: `Jalan ${PERSON} 7` },
		...{ city: PERSON, province: PERSON, postal_code: "40115" },
	});
	expect(home.status).toBe(201);
	const last = await place();
	const before = shop.receiver.spans.length;
	await shop.stop();
	expect(shop.receiver.spans.length).toBeGreaterThan(before);
	expect(edges(last)).toEqual(expect.arrayContaining(PLACED));

	const { spans } = shop.receiver;
	const ids = new Set(spans.map(({ traceId }) => traceId));
	const fromClient = spans
		.filter(({ name }) => name.startsWith("POST /"))
		.map(({ parentSpanId }) => parentSpanId);
	const all = [...ids].flatMap((id) => edgesOf(spans, id, fromClient as string[]));
	expect(all.filter((edge) => edge.startsWith("ORPHAN"))).toEqual([]);
	expect(JSON.stringify(spans)).not.toContain(PERSON);
	const texts = spans.flatMap(({ attributes }) => attributes).filter(({ key }) => key === "db.query.text");
	expect(texts.length).toBeGreaterThan(0);
	expect(texts.filter(({ value }) => String(value.stringValue).includes("'"))).toEqual([]);
});
