import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { connect } from "nats";
import pg from "pg";
import { SMTPServer } from "smtp-server";
import { dashboards } from "../../monitoring/dashboards/dashboards.ts";
import {
	type Command,
	cleanUp,
	client,
	freePort,
	logIn,
	type Request,
	run,
	signUp,
	until,
} from "../../tools/shop-process.ts";
import { ELSEWHERE, panelQueries, readRunbooks, rulesOf, seriesOf } from "../expressions.ts";
import { notRun } from "../not-run.ts";
import { findPrograms, Monitoring, type Result } from "./monitored.ts";
import { preparedFolder } from "./prepared-folder.ts";

// A real Prometheus and Alertmanager beside a cluster of six processes, under orders and faults. The rules are the shop's, a
// minute of them in a second.

const SCALE = { processes: { api: 1, users: 1, products: 1, orders: 2, notifications: 1 }, speed: 60 };
const ADMIN = { ADMIN_EMAIL: "keeper@toko.test", ADMIN_PASSWORD: "rahasia-sekali" };

/** Series that need not change in this test, with the reason. */
const STEADY: Record<string, string> = {
	toko_bulkhead_active: "a call in it is over before the next scrape",
	toko_bulkhead_queued: "it takes more orders at once than one process may place",
	toko_inbox_pending: "events are handled before the next scrape",
	toko_jobs_oldest_seconds: "jobs run before the next scrape",
	toko_jobs_pending: "jobs run before the next scrape",
	toko_mails_oldest_seconds: "a retried mail is due later",
	db_client_connection_pending_requests: "it takes more queries at once than a pool has connections",
	toko_traces_dropped_total: "the processes have time for all traces",
	toko_spans_lost_total: "the endpoint takes all spans",
	"toko:processes:expected": "it is a parameter",
	"slo:error_budget:ratio": "it is a parameter",
};

const ORDERS_FAIL = { alertname: "OrderErrorBudgetBurn", severity: "page" };

/** Time in which a series that is there from the start has its first value. */
const FIRST_S = 10;

const programs = await findPrograms();

let folder: string;
let shop: Command;
let catalogue: Command;
/** The second process of orders. */
let second: Command;
let gateway: string;
let request: Request;
let monitoring: Monitoring;
let mails: { port: number; server: SMTPServer | undefined };
let products: string[];
/** Tokens of a buyer and of an admin. */
let buyer: string;
let keeper: string;
let environment: Record<string, string>;

function parts() {
	return JSON.parse(readFileSync(join(folder, "parts.json"), "utf8")).servers;
}

function secrets(): Record<string, string> {
	return JSON.parse(readFileSync(join(folder, "secrets.json"), "utf8"));
}

/** Opens or closes the mail server. */
async function setMailServer(isOpen: boolean): Promise<void> {
	if (isOpen) {
		mails.server = new SMTPServer({
			authOptional: true,
			disabledCommands: ["STARTTLS"],
			onData: (stream, _session, done) => stream.resume().once("end", done),
		});
		mails.server.on("error", () => undefined);
		await new Promise<void>((listening) => mails.server?.listen(mails.port, "127.0.0.1", listening));
	} else {
		await new Promise<void>((closed) => mails.server?.close(() => closed()));
	}
}

/** Runs a statement in a database of the shop. */
async function sql(database: string, statement: string): Promise<void> {
	const connection = new pg.Client({
		connectionString: `postgres://toko:${secrets().postgres_password}@127.0.0.1:${parts().PostgreSQL.port}/toko_${database}`,
	});
	await connection.connect();
	await connection.query(statement).finally(() => connection.end());
}

/** Publishes an event that no consumer understands. */
async function poison(): Promise<void> {
	const connection = await connect({
		servers: `127.0.0.1:${parts().NATS.port}`,
		...{ user: "toko", pass: secrets().nats_password as string },
	});
	// Of no order: after a reconnect of NATS, orders would take itself for older than the stream.
	const event = { id: crypto.randomUUID(), name: "order.paid", version: 1 };
	await connection.jetstream().publish("toko.events.order.paid", JSON.stringify(event));
	await connection.close();
}

async function place(product_id = products[0], quantity = 1): Promise<{ status: number; id: string }> {
	const body = { items: [{ product_id, quantity }] };
	const answer = await request("POST", "/api/v1/orders", { token: buyer, key: crypto.randomUUID(), body });
	return { status: answer.status, id: answer.body?.id };
}

/** Repeats work until it is stopped, whatever its outcome, with a short pause. */
function repeatedly(work: (turn: number) => Promise<unknown>) {
	let isStopped = false;
	const done = (async () => {
		for (let turn = 0; !isStopped; turn++) {
			const pause = new Promise((wake) => setTimeout(wake, 300));
			await Promise.allSettled([work(turn), pause]);
		}
	})();
	return {
		async stop() {
			isStopped = true;
			await done;
		},
	};
}

/** Orders and pays, cancels or refunds; orders more than there is; reads; begins a cart. */
async function trade(turn: number): Promise<void> {
	const asking = [
		place(products[1], 1000),
		request("GET", `/api/v1/products/${products[turn % products.length]}`),
		request("GET", "/api/v1/products?limit=5"),
		request("POST", "/api/v1/carts"),
	];
	const { status, id } = await place();
	if (status === 201) {
		await request("POST", `/api/v1/orders/${id}/${turn % 3 === 0 ? "cancel" : "pay"}`, { token: buyer });
	}
	if (status === 201 && turn % 3 === 1) {
		await request("POST", `/api/v1/orders/${id}/refund`, { token: keeper, body: {} });
	}
	await Promise.all(asking);
}

/** Returns the process id of a node, which its node id ends with. */
function pidOf(node: Command): number {
	return Number(/^joined .*-(\d+): /m.exec(node.output())?.[1]);
}

if (typeof programs === "string") {
	notRun("a cluster with Prometheus and Alertmanager", programs);
} else {
	beforeAll(async () => {
		folder = await preparedFolder();
		mails = { port: await freePort(), server: undefined };
		await setMailServer(true);
		environment = { ...ADMIN, SMTP_URL: `smtp://127.0.0.1:${mails.port}` };
		shop = run(folder, ["start"], { ...environment, SERVICES: "api,users" });
		await shop.line(/^waiting for/);
		gateway = /^API +(http:\S+)\/api\/v1/m.exec(shop.output())?.[1] as string;
		request = client(gateway);
		catalogue = run(folder, ["node", "products"], environment);
		second = run(folder, ["node", "orders"], environment);
		const others = ["orders", "notifications"].map((name) => run(folder, ["node", name], environment));
		await shop.line(/^ready /);
		for (const node of [catalogue, second, ...others]) {
			await node.line(/^joined /);
		}
		monitoring = new Monitoring(programs, join(folder, "monitoring"));
		await monitoring.start(gateway, SCALE);
		buyer = await signUp(request, "budi");
		keeper = await logIn(request, ADMIN.ADMIN_EMAIL, ADMIN.ADMIN_PASSWORD);
		const { body } = await request("GET", "/api/v1/products?limit=20&in_stock=true");
		products = body.map(({ id }: { id: string }) => id);
		await request("PUT", `/api/v1/products/${products[0]}/stock?quantity=100000`, { token: keeper });
	});

	afterAll(async () => {
		await monitoring?.stop();
		await setMailServer(false);
		await cleanUp();
	});

	test("every process is scraped, and exposes its metrics as promtool expects them", async () => {
		await until("all to be scraped", async () => (await monitoring.query("up == 1")).length === 6);
		const found = (await monitoring.query("up")).map(({ metric }) => `${metric.services} ${metric.process}`);
		expect(found.sort()).toEqual([
			"api,users node",
			"notifications delivery-worker",
			"notifications node",
			"orders node",
			"orders node",
			"products node",
		]);
		for (const { metric } of await monitoring.query("up")) {
			const text = await (await fetch(`http://${metric.instance}/metrics`)).text();
			// Names of OpenTelemetry and prom-client, of which promtool has other opinions.
			const other = /^(db_client_connection_count|nodejs_active_(handles|requests|resources)_total) /;
			const problems = (await lint(programs.promtool, text)).filter((line) => !other.test(line));
			expect({ services: metric.services, problems }).toEqual({ services: metric.services, problems: [] });
		}
	});

	test("`npm run observe` runs a Prometheus that scrapes every process, once, and ends with a signal", async () => {
		const observing = run(folder, ["observe"], environment);
		const address = (await observing.line(/^ready /)).slice("ready ".length);
		await until("all to be scraped", async () => {
			const response = await fetch(`${address}/api/v1/query?query=count(up==1)`);
			const { data } = (await response.json()) as { data: { result: { value: [number, string] }[] } };
			return data.result[0]?.value[1] === "6";
		});
		// With its pages, which Debian's Prometheus reads from /usr/share.
		expect(await (await fetch(address)).text()).toContain("Prometheus Time Series");
		const another = run(folder, ["observe"], environment);
		expect(await another.ended()).toBe(1);
		expect(another.errors()).toMatch(/^toko: the Prometheus of \S+ already runs \(pid \d+\)[^\n]*\n$/);
		observing.child.kill("SIGTERM");
		expect(await observing.ended()).toBe(0);
		await expect(fetch(address)).rejects.toThrow();
	});

	test("faults reach the webhook and end there, and then every series, rule, panel and runbook has data", async () => {
		const trading = repeatedly(trade);
		try {
			const has = async (query: string) => (await monitoring.query(query)).length > 0;
			await until("a paid order", () => has("toko_revenue_total > 0"));
			await until("its mail", () => has("toko_mail_delay_seconds_count > 0"));
			// Those of objectives are notified again and again, and their latencies depend on how busy the machine is.
			const alertsOfParts = 'ALERTS{alertstate="firing",alertname!~".*ErrorBudgetBurn"}';
			await until("no alert of a part", async () => !(await has(alertsOfParts)));
			const mended = await faults();
			await natsAway();
			// On a busy machine, further orders would be slow as well.
			await trading.stop();
			// Last, because its windows still contain the failed orders.
			await expectAlerts("resolved", [ORDERS_FAIL], mended);
		} finally {
			await trading.stop();
		}
		await expectRules();
		await expectSeries();
		await expectQueries();
		// Alerts wait for their windows, one after another.
	}, 900_000);
}

/** Breaks several parts at once, waits for their alerts, mends them, and returns when. The alerts of the parts have ended. */
async function faults(): Promise<number> {
	const begun = Date.now();
	await setMailServer(false);
	await poison();
	process.kill(pidOf(second), "SIGKILL");
	process.kill(pidOf(catalogue), "SIGSTOP");
	await sql("orders", "ALTER TABLE orders RENAME TO orders_away");
	const readOrders = () => request("GET", "/api/v1/orders", { token: buyer });
	// Five at a time: a breaker opens after 20 failures in ten seconds, which one after another are too few on a busy machine.
	const asking = repeatedly(() => Promise.all(Array.from({ length: 5 }, readOrders)));
	const broken: Record<string, string>[] = [
		{ alertname: "ProcessMissing", service: "orders" },
		{ alertname: "ProcessMissing", service: "products" },
		{ alertname: "CircuitBreakerOpen" },
		{ alertname: "DeadLetters", service: "notifications" },
		{ alertname: "MailsRefused", channel: "email" },
	];
	try {
		await expectAlerts("firing", [...broken, ORDERS_FAIL], begun);
	} finally {
		await asking.stop();
		await sql("orders", "ALTER TABLE orders_away RENAME TO orders");
		process.kill(pidOf(catalogue), "SIGCONT");
	}
	const mended = Date.now();
	second = run(folder, ["node", "orders"], environment);
	await sql("notifications", "DELETE FROM dead_letters");
	await setMailServer(true);
	await expectAlerts("resolved", broken, mended);
	return mended;
}

/** Freezes NATS: events wait in the outbox, and the gateway sees only its own process. */
async function natsAway(): Promise<void> {
	const begun = Date.now();
	const { pid } = parts().NATS;
	process.kill(pid, "SIGSTOP");
	const broken: Record<string, string>[] = [
		{ alertname: "OutboxStuck", service: "users" },
		{ alertname: "ProcessMissing", service: "notifications" },
	];
	try {
		const person = {
			email: "siti@toko.test",
			username: "siti",
			password: "rahasia-sekali",
			full_name: "Siti",
		};
		const { status } = await request("POST", "/api/v1/users/register", { body: person });
		expect(status).toBe(201);
		await expectAlerts("firing", broken, begun);
	} finally {
		process.kill(pid, "SIGCONT");
	}
	await expectAlerts("resolved", broken, Date.now());
}

/** Waits for alerts at the webhook of their urgency, with a runbook. */
async function expectAlerts(
	status: "firing" | "resolved",
	alerts: Record<string, string>[],
	since: number,
): Promise<void> {
	for (const labels of alerts) {
		const { severity, labels: all, annotations, at } = await monitoring.alerted(status, labels, since);
		expect(severity).toBe(all.severity);
		expect(annotations.runbook_url).toBe(`docs/runbooks/${labels.alertname}.md`);
		console.info(
			`${all.alertname} ${labels.service ?? ""} ${status} after ${at - since} ms: ${annotations.summary}`,
		);
	}
}

async function expectRules(): Promise<void> {
	const rules = await monitoring.rules();
	expect(rules.filter(({ health }) => health !== "ok")).toEqual([]);
	expect(rules).toHaveLength(rulesOf(SCALE).length);
}

/** Returns the number of seconds in which there was any of these series. */
function secondsOf(results: Result[]): number {
	return new Set(results.flatMap(({ values }) => values.map(([at]) => at))).size;
}

/** Every series that a rule or a panel names has had values, and they have changed. */
async function expectSeries(): Promise<void> {
	const elsewhere = [...ELSEWHERE.exporters, ...ELSEWHERE.audit];
	const names = new Set(
		[...rulesOf(SCALE), ...panels()]
			.flatMap(({ expr }) => seriesOf(expr))
			.filter((name) => !elsewhere.includes(name)),
	);
	const all_s = secondsOf(await monitoring.range("up"));
	const states: Record<string, string> = {};
	for (const name of names) {
		const results = await monitoring.range(name);
		const values = new Set(results.flatMap(({ values }) => values.map(([, value]) => value)));
		// Some series appear with the first event, or disappear.
		const comesOrGoes = secondsOf(results) < all_s - FIRST_S;
		states[name] = values.size === 0 ? "absent" : values.size > 1 || comesOrGoes ? "moves" : "steady";
	}
	const expected = Object.keys(states).filter(
		(name) => states[name] !== "moves" && !(states[name] === "steady" && name in STEADY),
	);
	expect(Object.fromEntries(expected.map((name) => [name, states[name]]))).toEqual({});
	console.info(
		`${names.size} series, ${Object.values(states).filter((state) => state === "moves").length} of them moved`,
	);
}

/** Every query of a panel and of a runbook has values, except those of exporters and the audit, which do not run here. */
async function expectQueries(): Promise<void> {
	const elsewhere = [...ELSEWHERE.exporters, ...ELSEWHERE.audit];
	const runbooks = readRunbooks().flatMap(({ alert, queries }) =>
		queries.map((expr) => ({ panel: `runbook of ${alert}`, expr })),
	);
	const figures: string[] = [];
	for (const { panel, expr } of [...panels(), ...runbooks]) {
		if (!seriesOf(expr).some((name) => elsewhere.includes(name))) {
			const values = (await monitoring.range(expr)).flatMap(({ values }) =>
				values.map(([, value]) => Number(value)),
			);
			const numbers = values.filter((value) => !Number.isNaN(value));
			expect({ panel, expr, hasData: numbers.length > 0 }).toEqual({ panel, expr, hasData: true });
			figures.push(`${panel}: up to ${Number(Math.max(...numbers).toPrecision(3))}`);
		}
	}
	console.info(figures.join("\n"));
}

function panels() {
	return dashboards().flatMap((dashboard) => panelQueries(dashboard, "10s"));
}

/** Returns the complaints of `promtool check metrics`. */
async function lint([program, ...before]: [string, ...string[]], text: string): Promise<string[]> {
	return new Promise((resolve) => {
		const child = execFile(program, [...before, "check", "metrics"], (_error, stdout, stderr) => {
			resolve(`${stdout}${stderr}`.split("\n").filter((line) => line !== ""));
		});
		child.stdin?.end(text);
	});
}
