import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import type { DatabaseError, Pool } from "pg";
import type { z } from "zod";
import type { ActionContext } from "../../contracts/actions.ts";
import type { cartActions } from "../../contracts/carts.ts";
import { toMinor } from "../../contracts/money.ts";
import { problem } from "../../contracts/problems.ts";
import { ORDER_LINES_MAX, QUANTITY_MAX } from "../../contracts/product-schemas.ts";
import { newId } from "./ids.ts";
import { isUuid } from "./model.ts";
import type { Refusal } from "./reasons.ts";
import type { OrderingService } from "./reservations.ts";
import type { OrderBody } from "./terms.ts";

/** A cart with its items in their order, as JSON from the database. */
export interface CartRow {
	id: string;
	/** SHA-256 in hex. */
	token_hash: string;
	/** Null for a guest's cart. */
	user_id: number | null;
	status: "open" | "ordered" | "merged";
	version: number;
	order_id: string | null;
	merged_into: string | null;
	created_at: string;
	touched_at: string;
	items: CartItem[];
}

export interface CartItem {
	product_id: string;
	quantity: number;
	/** As the product was when the line was last put. */
	price_minor: number;
	name: string;
	options: Record<string, string> | null;
}

/** A cart as a request names it, and what proves that the request may use it. */
export interface CartAccess {
	id: string;
	token: string | undefined;
	/** Returns the id of the signed-in user; undefined for a guest. */
	user(): Promise<number | undefined>;
}

/** Lines of an order, and the cart that they were read from. */
export interface ToOrder {
	items: { product_id: string; quantity: number }[];
	cart?: Pick<CartRow, "id" | "version">;
}

type CartItemRequest = z.output<typeof cartActions.putCartItem.params>;

/** Random bytes of a token. */
const TOKEN_BYTES = 32;
const TOKEN = /^[\w-]{43}$/;

/** A cart that was read longer ago counts as touched again, so that not each reading writes. */
const TOUCHED_AGAIN_AFTER = "1 day";

const CART = `to_jsonb(c) || jsonb_build_object('token_hash', encode(c.token_hash, 'hex'), 'items', (
	SELECT coalesce(jsonb_agg(to_jsonb(i) - 'cart_id' - 'position' ORDER BY i.position), '[]')
	FROM cart_items i WHERE i.cart_id = c.id
))`;

/** Returns a cart by its id; undefined if there is none. */
export async function findCart(pool: Pool, id: string): Promise<CartRow | undefined> {
	if (!isUuid(id)) {
		return undefined;
	}
	const { rows } = await pool.query<{ cart: CartRow }>(
		`SELECT ${CART} AS cart FROM carts c WHERE c.id = $1`,
		[id],
	);
	return rows[0]?.cart;
}

/** Returns the number of open carts. */
export async function countCarts(pool: Pick<Pool, "query">): Promise<number> {
	const { rows } = await pool.query<{ count: number }>(
		"SELECT count(*)::integer FROM carts WHERE status = 'open'",
	);
	return rows[0]?.count ?? 0;
}

/**
 * Begins a cart, for a user only if there is no open one.
 *
 * @param user_id Undefined for a guest.
 * @returns The id of the cart, and its token if it was begun: only its hash is stored.
 * @throws TOKEN_INVALID for a deleted user
 */
export async function beginCart(
	pool: Pool,
	user_id: number | undefined,
): Promise<{ id: string; token: string | null }> {
	for (;;) {
		const token = randomBytes(TOKEN_BYTES).toString("base64url");
		const { rows: begun } = await pool
			.query<{ id: string }>(
				`INSERT INTO carts (id, token_hash, user_id) VALUES ($1, $2, $3)
				ON CONFLICT (user_id) WHERE status = 'open' DO NOTHING RETURNING id`,
				[newId(), hashOf(token), user_id],
			)
			.catch((error: DatabaseError) => {
				throw error.constraint === "carts_user_not_deleted" ? problem("TOKEN_INVALID") : error;
			});
		if (begun[0]) {
			return { id: begun[0].id, token };
		}
		// It may have been ordered since.
		const { rows: open } = await pool.query<{ id: string }>(
			"SELECT id FROM carts WHERE user_id = $1 AND status = 'open'",
			[user_id],
		);
		if (open[0]) {
			return { id: open[0].id, token: null };
		}
	}
}

/**
 * Returns a cart that the caller may use, by its token or as its owner. Any other caller gets the same answer, whether there
 * is such a cart or not.
 *
 * @throws CART_NOT_FOUND
 */
async function accessCart(pool: Pool, { id, token, user }: CartAccess): Promise<CartRow> {
	const row = await findCart(pool, id);
	if (row && isTokenOf(row, token)) {
		return row;
	}
	// Asked for in any case: an error must not tell that there is such a cart.
	const user_id = await user();
	if (!row || user_id === undefined || row.user_id !== user_id) {
		throw problem("CART_NOT_FOUND");
	}
	return row;
}

/** Reads a cart to show it, which counts as touching it. */
export async function readCart(pool: Pool, access: CartAccess): Promise<CartRow> {
	const row = await accessCart(pool, access);
	await pool.query(
		`UPDATE carts SET touched_at = now() WHERE id = $1 AND touched_at < now() - interval '${TOUCHED_AGAIN_AFTER}'`,
		[row.id],
	);
	return row;
}

/** Returns the id of the user whose token an action was called with; undefined for a guest, whom a public one allows. */
export async function signedInUser(ctx: ActionContext): Promise<number | undefined> {
	const { caller } = ctx.locals;
	return caller?.id ?? (ctx.meta.token ? (await ctx.call("v1.users.verify", {})).id : undefined);
}

/** Returns the cart that an action is about, with the rights of its caller. */
export function accessOf(ctx: ActionContext<{ id: string; cart_token?: string | undefined }>): CartAccess {
	return { id: ctx.params.id, token: ctx.params.cart_token, user: () => signedInUser(ctx) };
}

/**
 * Returns the lines of an order: those of the request, or of the cart that it names.
 *
 * @throws CART_NOT_FOUND, CART_ORDERED, CART_MERGED, CART_EMPTY
 */
export async function itemsOf(
	{ pool }: OrderingService,
	{ items, cart_id, cart_token }: Pick<OrderBody, "items" | "cart_id" | "cart_token">,
	user_id: number | undefined,
): Promise<ToOrder> {
	if (items) {
		return { items };
	}
	const row = await accessCart(pool, { id: cart_id ?? "", token: cart_token, user: async () => user_id });
	if (row.status === "ordered") {
		throw problem("CART_ORDERED", { order_id: row.order_id });
	}
	if (row.status === "merged") {
		throw problem("CART_MERGED", { cart_id: row.merged_into });
	}
	if (row.items.length === 0) {
		throw problem("CART_EMPTY");
	}
	const { id, version } = row;
	return {
		items: row.items.map(({ product_id, quantity }) => ({ product_id, quantity })),
		cart: { id, version },
	};
}

/**
 * Returns a problem if a cart was ordered since it was read: this is then why its units or its voucher were no longer to be had,
 * and the buyer has an order.
 */
export async function orderedMeanwhile({ pool }: OrderingService, cart: ToOrder["cart"]) {
	if (!cart) {
		return undefined;
	}
	const { rows } = await pool.query<{ order_id: string }>(
		"SELECT order_id FROM carts WHERE id = $1 AND status = 'ordered'",
		[cart.id],
	);
	return rows[0] && problem("CART_ORDERED", rows[0]);
}

/**
 * Sets the quantity of a product in a cart; 0 removes it.
 *
 * @throws CART_NOT_FOUND, CART_ORDERED, CART_MERGED, CART_FULL, PRODUCT_NOT_FOUND
 */
export async function putCartItem(pool: Pool, ctx: ActionContext<CartItemRequest>): Promise<CartRow> {
	const { product_id, quantity } = ctx.params;
	const { id } = await accessCart(pool, accessOf(ctx));
	const product = quantity === 0 ? undefined : await ctx.call("v1.products.get", { id: product_id });
	const seen = product && {
		...{ price_minor: toMinor(product.price), name: product.name, options: product.options },
	};
	const { rows } = await pool.query<{ refused: Refusal | null }>(
		"SELECT put_cart_item($1, $2, $3, $4, $5) AS refused",
		[id, product_id, quantity, seen ?? null, ORDER_LINES_MAX],
	);
	refuse(rows[0]?.refused);
	return existingCart(pool, id);
}

/**
 * Adds the items of a guest's cart to the open cart of a user, which is begun if there is none. The user's own cart has
 * nothing to add.
 *
 * @returns The user's open cart.
 * @throws CART_NOT_FOUND, also for another user's cart; CART_ORDERED, CART_MERGED, CART_FULL, CART_QUANTITY_TOO_LARGE
 */
export async function mergeCart(pool: Pool, access: CartAccess, user_id: number): Promise<CartRow> {
	const guest = await accessCart(pool, access);
	if (guest.user_id !== null && guest.user_id !== user_id) {
		throw problem("CART_NOT_FOUND");
	}
	if (guest.status === "ordered" && guest.user_id === null) {
		throw problem("CART_ORDERED", { order_id: guest.order_id });
	}
	for (;;) {
		const { id } = await beginCart(pool, user_id);
		if (guest.user_id === user_id) {
			return existingCart(pool, id);
		}
		const { rows } = await pool.query<{ refused: Refusal | null }>(
			"SELECT merge_carts($1, $2, $3, $4) AS refused",
			[guest.id, id, ORDER_LINES_MAX, QUANTITY_MAX],
		);
		const refused = rows[0]?.refused;
		// The user's cart was ordered meanwhile: the next one takes the items.
		if (refused?.code !== "CART_CHANGED") {
			refuse(refused);
			return existingCart(pool, id);
		}
	}
}

/** @throws CART_NOT_FOUND if it was removed meanwhile */
export async function existingCart(pool: Pool, id: string): Promise<CartRow> {
	const row = await findCart(pool, id);
	if (!row) {
		throw problem("CART_NOT_FOUND");
	}
	return row;
}

function refuse(refused: Refusal | null | undefined): void {
	if (refused) {
		throw problem(refused.code, refused.data);
	}
}

function hashOf(token: string): Buffer {
	return createHash("sha256").update(token).digest();
}

function isTokenOf(row: CartRow, token: string | undefined): boolean {
	return (
		token !== undefined &&
		TOKEN.test(token) &&
		timingSafeEqual(hashOf(token), Buffer.from(row.token_hash, "hex"))
	);
}
