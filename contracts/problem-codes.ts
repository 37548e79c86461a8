import { CART_PROBLEMS } from "./cart-problems.ts";
import { INVOICE_PROBLEMS } from "./invoice-problems.ts";
import { ORDER_PROBLEMS } from "./order-problems.ts";
import type { Problems } from "./problem-kind.ts";
import { PRODUCT_PROBLEMS } from "./product-problems.ts";
import { REQUEST_PROBLEMS } from "./request-problems.ts";
import { SERVICE_PROBLEMS } from "./service-problems.ts";
import { USER_PROBLEMS } from "./user-problems.ts";

/** All problems by their stable code. */
export const PROBLEMS = {
	...REQUEST_PROBLEMS,
	...USER_PROBLEMS,
	...PRODUCT_PROBLEMS,
	...ORDER_PROBLEMS,
	...CART_PROBLEMS,
	...INVOICE_PROBLEMS,
	...SERVICE_PROBLEMS,
} as const satisfies Problems;

export type ProblemCode = keyof typeof PROBLEMS;

/** Returns the code of an error of Toko, from this node or another; undefined for any other error. */
export function problemCode(error: unknown): ProblemCode | undefined {
	const type = (error as { type?: unknown } | null)?.type;
	return typeof type === "string" && Object.hasOwn(PROBLEMS, type) ? (type as ProblemCode) : undefined;
}
