import { randomUUID } from "node:crypto";
import { afterAll, expect, test } from "@jest/globals";
import type { ServiceBroker } from "moleculer";
import type { Pool } from "pg";
import { databaseUrl } from "../../config/settings.ts";
import { callAction, type ParamsOf } from "../../contracts/actions.ts";
import { type Database, databases } from "../../contracts/services.ts";
import { postgresPool } from "../../database/postgres-client.ts";
import { sign } from "../../services/orders/webhook.ts";
import { audit } from "../../tools/audit/audit.ts";
import type { Sources } from "../../tools/audit/snapshot.ts";
import { openSources } from "../../tools/audit/sources.ts";
import { setVariables } from "../variables.ts";
import { now, SECRET } from "./paying.ts";
import { admin, eventually, newProduct, newUser, type Person, SERVICES, startNode } from "./shop.ts";

/** An order whose data a test damages. */
export interface Made {
	id: string;
	number: string;
	/** Reference of its payment, if it has one. */
	reference: string;
	reservation_id: string;
	product_id: string;
}

/** An idle shop with a sample of every kind of data. Tests damage it by hand and restore it. */
export class AuditedShop {
	readonly broker: ServiceBroker;
	readonly sources: Sources;
	readonly buyer: Person;
	/** Ids of the cart that was ordered as `carted`, of an open one, and of the user of both. */
	readonly carts = { ordered: "", open: "", user_id: 0 };
	/** Id of the user deleted after an order was settled. */
	gone = 0;
	readonly orders = {} as Record<
		| "pending"
		| "paid"
		| "transferred"
		| "open"
		| "shipped"
		| "refunded"
		| "cancelled"
		| "late"
		| "gift"
		| "priced"
		| "carted",
		Made
	>;

	/** Separate from the pools of the services, which a test may stop. */
	readonly #pools = Object.fromEntries(
		databases.map((name) => [name, postgresPool({ connectionString: databaseUrl(name), max: 1 })]),
	) as Record<Database, Pool>;
	readonly #damaged = new Set<Database>();

	private constructor(broker: ServiceBroker, sources: Sources, buyer: Person) {
		this.broker = broker;
		this.sources = sources;
		this.buyer = buyer;
	}

	static async start(): Promise<AuditedShop> {
		const broker = await startNode(...SERVICES);
		const shop = new AuditedShop(broker, await openSources(), await newUser(broker));
		await shop.#fill();
		await shop.rest();
		await shop.save();
		return shop;
	}

	async stop(): Promise<void> {
		await this.sources.close();
		await Promise.all(Object.values(this.#pools).map((pool) => pool.end()));
		await this.broker.stop();
	}

	/** Audits and returns a line for each breach. */
	async breaches(): Promise<string[]> {
		const found = await audit(this.sources, 20_000, 20);
		return found.breaches.map(({ document, what }) => `${document} ${what}`);
	}

	/** Stops what would mend some damage within a second. */
	async stopSweeps(): Promise<void> {
		const { sweeping } = this.broker.getLocalService({ name: "orders", version: 1 }) as unknown as {
			sweeping: { stop(): Promise<void> }[];
		};
		await Promise.all(sweeping.map((sweep) => sweep.stop()));
	}

	/** Changes a database directly until `restore`; constraints and triggers are already dropped. */
	async damage(database: Database, text: string): Promise<void> {
		this.#damaged.add(database);
		await this.sql(database, text);
	}

	async sql<R extends object>(database: Database, text: string, values: unknown[] = []): Promise<R[]> {
		return (await this.#pools[database].query<R>(text, values)).rows;
	}

	/** Waits until no work is pending. */
	async rest(): Promise<void> {
		await eventually("the shop to come to rest", async () => {
			const jobs = "SELECT FROM graphile_worker.jobs WHERE run_at < now() + interval '14 seconds'";
			const isNone = async (database: Database, text: string) =>
				(await this.sql(database, text)).length === 0;
			// In the order in which work is passed on: users and orders publish events, which become messages.
			for (const database of databases.filter((name) => name !== "notifications")) {
				if (!(await isNone(database, jobs))) {
					return false;
				}
			}
			return (
				(await isNone("orders", "SELECT FROM invoice_queue UNION ALL SELECT FROM credit_note_queue")) &&
				(await this.sources.eventsInProgress()) === 0 &&
				(await isNone("notifications", "SELECT FROM notifications WHERE status = 'queued'")) &&
				(await isNone("notifications", jobs)) &&
				(await this.breaches()).length === 0
			);
		});
	}

	/** Restores all tables of damaged databases to their saved state. */
	async restore(): Promise<void> {
		for (const database of this.#damaged) {
			const tables = await this.#tables(database);
			const refill = tables.map(
				({ name, columns }) => `DELETE FROM ${name};
				INSERT INTO ${name} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ${savedName(name)};`,
			);
			await this.sql(database, refill.join("\n"));
		}
		this.#damaged.clear();
	}

	/** Saves the state of all tables. */
	async save(): Promise<void> {
		for (const database of databases) {
			const tables = await this.#tables(database);
			const copy = tables.map(({ name }) => `CREATE TABLE ${savedName(name)} AS TABLE ${name};`);
			await this.sql(
				database,
				`DROP SCHEMA IF EXISTS saved CASCADE; CREATE SCHEMA saved; ${copy.join("\n")}`,
			);
			await this.sql(database, WITHOUT_CONSTRAINTS);
		}
		this.#damaged.clear();
	}

	#tables(database: Database): Promise<{ name: string; columns: string }[]> {
		return this.sql(
			database,
			`SELECT c.oid::regclass AS name, string_agg(quote_ident(a.attname), ', ') AS columns
			FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
			WHERE c.relkind = 'r' AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
				AND (c.relnamespace = 'public'::regnamespace AND c.relname !~ 'migrations' OR c.relname = '_private_jobs')
			GROUP BY c.oid`,
		);
	}

	async #fill(): Promise<void> {
		const { broker, buyer } = this;
		const keeper = await admin(broker);
		for (const name of [
			"pending",
			"paid",
			"transferred",
			"open",
			"shipped",
			"refunded",
			"cancelled",
			"late",
		] as const) {
			this.orders[name] = await this.#place(buyer);
		}
		this.orders.gift = await this.#place(buyer, 0);
		this.orders.priced = await this.#placePriced(keeper);
		this.orders.carted = await this.#placeCart();
		await newVariant(keeper);
		const { paid, transferred, open, shipped, refunded, cancelled, late, gift } = this.orders;
		for (const { id } of [paid, shipped, refunded, gift]) {
			await buyer.call("v1.orders.pay", { id });
		}
		for (const { id } of [transferred, open, late]) {
			await buyer.call("v1.orders.pay", { id, method: "transfer" });
		}
		for (const order of [paid, transferred, open, shipped, refunded, late]) {
			const rows = await this.sql<{ reference: string }>(
				"orders",
				"SELECT reference FROM payments WHERE order_id = $1",
				[order.id],
			);
			order.reference = rows[0]?.reference as string;
		}
		await buyer.call("v1.orders.cancel", { id: cancelled.id });
		await buyer.call("v1.orders.cancel", { id: late.id });
		for (const { reference } of [transferred, late]) {
			const payload = JSON.stringify({
				id: randomUUID(),
				type: "payment.settled",
				reference,
				amount: 30_000,
			});
			const signature = sign(SECRET(), payload, now());
			await callAction(broker, "v1.orders.takePaymentEvent", { payload, signature });
		}
		await keeper.call("v1.orders.ship", { id: shipped.id });
		await keeper.call("v1.orders.refund", { id: refunded.id, restock: true });

		const leaver = await newUser(broker);
		const { id } = await this.#place(leaver);
		await leaver.call("v1.orders.cancel", { id });
		await this.rest();
		await keeper.call("v1.users.remove", { id: leaver.id });
		this.gone = leaver.id;
		// Due after the tests, so that the check of jobs has a job to check.
		await this.sql(
			"orders",
			`SELECT graphile_worker.add_job('release_stock', json_build_object('reservation_id', id),
				run_at => now() + interval '290 seconds', max_attempts => 32767, job_key => 'stock:' || id)
			FROM gen_random_uuid() AS id`,
		);
	}

	/** Places an order with a discount, a fee and a tax. */
	async #placePriced(keeper: Person): Promise<Made> {
		await keeper.call("v1.orders.addVoucher", { code: "HEMAT", kind: "percent", value: 10, max_uses: 5 });
		const bands = [{ up_to_g: 1000, fee: 9000 }];
		const zones = [{ country: "ID" }];
		await keeper.call("v1.orders.addShippingMethod", { code: "reguler", name: "JNE", zones, bands });
		setVariables({ TAX_RATE: "11" });
		const order = await this.#place(await newUser(this.broker), 15_000, {
			voucher_code: "hemat",
			shipping_method: "reguler",
			address: {
				...{ recipient: "Budi", phone: "+6281234567890", line1: "Jalan Braga 99", city: "Bandung" },
				...{ province: "Jawa Barat", postal_code: "40115" },
			},
		});
		setVariables({ TAX_RATE: undefined });
		return order;
	}

	/** Orders a cart, and begins another one. */
	async #placeCart(): Promise<Made> {
		const { carts } = this;
		const buyer = await newUser(this.broker);
		carts.user_id = buyer.id;
		carts.ordered = (await buyer.call("v1.orders.beginCart", {})).id;
		const { id: product_id } = await newProduct(this.broker, 10);
		await buyer.call("v1.orders.putCartItem", { id: carts.ordered, product_id, quantity: 2 });
		const { id, number } = await buyer.call("v1.orders.place", { cart_id: carts.ordered });
		carts.open = (await buyer.call("v1.orders.beginCart", {})).id;
		await buyer.call("v1.orders.putCartItem", { id: carts.open, product_id, quantity: 1 });
		return { id, number, reference: "", reservation_id: id, product_id };
	}

	async #place(
		person: Person,
		price = 15_000,
		given: Omit<ParamsOf<"v1.orders.place">, "items"> = { shipping_address: "Jalan Melati 5" },
	): Promise<Made> {
		const product = await newProduct(this.broker, 10, price);
		const { id, number } = await person.call("v1.orders.place", {
			items: [{ product_id: product.id, quantity: 2 }],
			...given,
			idempotency_key: randomUUID(),
		});
		const rows = await this.sql<{ id: string }>("orders", "SELECT id FROM reservations WHERE order_id = $1", [
			id,
		]);
		return { id, number, reference: "", reservation_id: rows[0]?.id as string, product_id: product.id };
	}
}

/** Adds a group with a variant. */
async function newVariant(keeper: Person): Promise<void> {
	const described = { name: "Kaos", description: "Katun", category: "kaos" };
	const { id } = await keeper.call("v1.products.createGroup", { ...described, options: ["ukuran"] });
	const variant = { ...described, price: 90_000, stock: 3, group_id: id, options: { ukuran: "M" } };
	await keeper.call("v1.products.create", variant);
}

const WITHOUT_CONSTRAINTS = `DO $$
DECLARE
	one record;
BEGIN
	FOR one IN SELECT conrelid::regclass AS owner, conname FROM pg_constraint
		WHERE contype IN ('c', 'f') AND connamespace = 'public'::regnamespace
	LOOP
		EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', one.owner, one.conname);
	END LOOP;
	FOR one IN SELECT DISTINCT tgrelid::regclass AS owner FROM pg_trigger
		WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
	LOOP
		EXECUTE format('ALTER TABLE %s DISABLE TRIGGER USER', one.owner);
	END LOOP;
END
$$`;

function savedName(name: string): string {
	return `saved.${name.replace(".", "_")}`;
}

/** A breach: its database, the SQL that causes the damage, and the audit's message. */
export type Breach = [
	name: string,
	database: Database,
	damage: (shop: AuditedShop) => string,
	expected: (shop: AuditedShop) => string[],
];

/**
 * Defines one test for each breach: the audit must report exactly this damage, so nothing of those before it, and
 * nothing when the last one is undone.
 *
 * @param shopOf Returns the shop once it is set up.
 */
export function testBreaches(shopOf: () => AuditedShop, breaches: Breach[]): void {
	test.each(breaches)("%s", async (_, database, damage, expected) => {
		const shop = shopOf();
		await shop.damage(database, damage(shop));
		try {
			const lines = await shop.breaches();
			const wanted = expected(shop);
			expect(lines).toEqual(expect.arrayContaining(wanted.map((line) => expect.stringContaining(line))));
			expect(lines).toHaveLength(wanted.length);
		} finally {
			await shop.restore();
		}
	});

	afterAll(async () => expect(await shopOf().breaches()).toEqual([]));
}
