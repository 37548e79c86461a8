import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import pg from "pg";
import { cursorAt, momentKey } from "../../../database/page-cursor.ts";
import { commandOf, namespace, processesOf } from "../../shop-process.ts";
import { postgresUrl } from "../postgres-counters.ts";

/** Number of orders written by one statement. */
const CHUNK = 20_000;
/** Number of orders on a page. */
export const PAGE = 20;
/** Average number of orders of a customer. */
const ORDERS_EACH = 10;
/** Time limit for autovacuum, which visits a database once a minute and takes longer for large tables. */
const VACUUM_MS = 8 * 60_000;
const VACUUM_POLL_MS = 1000;
/** Tables whose statistics are the most important for the planner. */
const ANALYZED = {
	orders: ["orders", "order_lines", "reservations", "payments"],
	notifications: ["notifications"],
};

/**
 * Writes past orders directly into the databases of a running shop with SQL: through the API, a million would take
 * hours.
 */
export class PastOrders {
	#folder: string;
	#products: string[];
	#frequent: number;
	#until = new Date(Date.now() - 3_600_000).toISOString();
	#written = 0;
	#users = 0;

	/** @param frequent Id of the user who gets every hundredth order. */
	constructor(folder: string, products: string[], frequent: number) {
		this.#folder = folder;
		this.#products = products;
		this.#frequent = frequent;
	}

	/** Number of orders written so far. */
	get written(): number {
		return this.#written;
	}

	/** Returns the id of the order with a number from 1 to `written`, as made_orders() in made.sql computes it. */
	idOf(number: number): string {
		const hex = createHash("md5").update(`order ${number}`).digest("hex");
		return hex.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12})$/, "$1-$2-4$3-8$4-$5");
	}

	/** Returns the API cursor of the last full page of a user's orders. */
	async lastPage(user: number): Promise<string> {
		const { rows } = await this.#session("orders", [], (client) =>
			client.query<{ created_at: string; id: string }>(
				"SELECT to_jsonb(created_at) #>> '{}' AS created_at, id FROM orders WHERE user_id = $1 ORDER BY created_at, id LIMIT 1 OFFSET $2",
				[user, PAGE],
			),
		);
		return cursorAt("orders", momentKey(rows[0] as (typeof rows)[number]));
	}

	/** Writes orders until this total is reached. */
	async write(orders: number, log: (line: string) => void): Promise<void> {
		const [first, last] = [this.#written + 1, orders];
		const customers = Math.max(100, Math.ceil(orders / ORDERS_EACH));
		await this.#session("users", ["users.sql"], async (users) => {
			if (customers > this.#users) {
				await users.query("SELECT pg_temp.write_users($1, $2)", [this.#users + 1, customers]);
				this.#users = customers;
			}
		});
		await this.#session("orders", ["made.sql", "orders.sql"], (ofOrders) =>
			this.#session("notifications", ["made.sql", "notifications.sql"], async (ofNotifications) => {
				for (let from = first; from <= last; from += CHUNK) {
					const to = Math.min(last, from + CHUNK - 1);
					const range = [from, to, first, last, this.#until, customers, this.#frequent];
					// In parallel: the two share only the server.
					await Promise.all([
						ofOrders.query("SELECT pg_temp.write_orders($1, $2, $3, $4, $5, $6, $7, $8)", [
							...range,
							this.#products,
						]),
						ofNotifications.query("SELECT pg_temp.write_messages($1, $2, $3, $4, $5, $6, $7)", range),
					]);
					this.#written = to;
					log(`wrote ${to.toLocaleString("en")} orders of ${last.toLocaleString("en")}`);
				}
				await ofOrders.query("CHECKPOINT");
			}),
		);
	}

	/** Waits until autovacuum has processed the new rows, as in a shop that grew slowly. Returns whether it has. */
	async settled(since: Date): Promise<boolean> {
		const deadline = Date.now() + VACUUM_MS;
		while (!(await this.#isAnalyzed(since)) || this.#isVacuuming()) {
			if (Date.now() > deadline) {
				return false;
			}
			await wait(VACUUM_POLL_MS);
		}
		return true;
	}

	async #isAnalyzed(since: Date): Promise<boolean> {
		for (const [database, tables] of Object.entries(ANALYZED)) {
			const { rows } = await this.#session(database, [], (client) =>
				client.query(
					"SELECT FROM pg_stat_user_tables WHERE relname = ANY ($1) AND coalesce(last_autoanalyze, '-infinity') < $2",
					[tables, since],
				),
			);
			if (rows.length > 0) {
				return false;
			}
		}
		return true;
	}

	#isVacuuming(): boolean {
		return processesOf(this.#folder).some((pid) => /^postgres: autovacuum worker/.test(commandOf(pid)));
	}

	/**
	 * Calls a function with a session that has loaded the SQL functions of these files. Foreign keys are not checked,
	 * which would take most of the time.
	 */
	async #session<T>(database: string, files: string[], work: (client: pg.Client) => Promise<T>): Promise<T> {
		const url = postgresUrl(this.#folder, "postgres");
		url.pathname = `/${namespace}_${database}`;
		const client = new pg.Client({ connectionString: url.href });
		await client.connect();
		try {
			await client.query("SET session_replication_role = replica");
			for (const file of files) {
				await client.query(readFileSync(new URL(file, import.meta.url), "utf8"));
			}
			return await work(client);
		} finally {
			await client.end();
		}
	}
}
