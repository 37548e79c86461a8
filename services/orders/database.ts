import type { Pool } from "pg";
import type { OrderStatements } from "./statements.ts";

/** The database of the orders service. */
export interface OrdersDatabase {
	pool: Pool;
	statements: OrderStatements;
}
