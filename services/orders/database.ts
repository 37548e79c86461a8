import type { Pool } from "pg";
import type { OrderStatements } from "./statements.ts";

/** The database of orders, as its functions use it. */
export interface OrdersDatabase {
	pool: Pool;
	statements: OrderStatements;
}
