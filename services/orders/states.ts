import type { z } from "zod";
import type { orderStatus } from "../../contracts/orders.ts";

export type OrderStatus = z.output<typeof orderStatus>;

/** The state in which every order begins: placed, its units held, not paid yet. */
export const INITIAL: OrderStatus = "pending";
