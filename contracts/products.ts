import { z } from "zod";
import { action, contract, healthAction, page } from "./contract.ts";
import { comparedLine, cursor, limit, moment, opaqueId, skip, whole } from "./fields.ts";
import { minorUnits, price } from "./money.ts";
import { ANY_PRODUCT, groupActions } from "./product-groups.ts";
import {
	COUNT_MAX,
	catalogueLine,
	catalogueOutcome,
	cataloguePreview,
	category,
	newProduct,
	ORDER_LINES_MAX,
	orderLine,
	product,
	productChanges,
	STOCK_MAX,
	stock,
	supplyReason,
} from "./product-schemas.ts";

/**
 * Header of a call of `reserve` whose caller takes products with all that an order copies. Callers of the previous version
 * put whatever they get into events, which may have no other fields than theirs.
 */
export const DESCRIBES_LINES = "describes_lines";

/** Lines of a catalogue file, each with its number in the file. */
const catalogueLines = z
	.array(z.strictObject({ ...catalogueLine.shape, line: z.int().min(1) }))
	.min(1)
	.max(1000);

/** Returns the name of the aggregate that cached responses about a product depend on. */
export function aboutProduct(id: string): string {
	return `${ANY_PRODUCT}:${id}`;
}

export const products = contract({
	name: "products",
	version: 1,
	about: "The catalogue and its stock",
	store: "MongoDB",
	actions: {
		list: action({
			summary:
				"Products, page by page: all, or those of a category, with all words of a search in name, category or description, of a price, in stock; with `collapse` one for each group",
			permissions: "public",
			example: {
				category: "kopi",
				q: "kopi",
				min_price: 10_000,
				max_price: 250_000,
				in_stock: true,
				sort: "price",
				collapse: true,
				cursor: "WyJQZmpHYkY0MyIsIjAwMDAwMDAwMDAxODUwMCAwMWEyMTQwNzk2MTgwMDBhZWFiZDdiYmEiXQ",
			},
			params: z
				.strictObject({
					skip,
					limit: limit(20),
					cursor: cursor.optional(),
					category: category.optional(),
					q: comparedLine(1, 100).optional(),
					min_price: price.optional(),
					max_price: price.optional(),
					in_stock: z.boolean().optional(),
					sort: z
						.enum(["created_at", "-created_at", "price", "-price", "name", "-name"])
						.default("created_at"),
					collapse: z.boolean().optional(),
				})
				.refine(({ min_price = 0, max_price = min_price }) => min_price <= max_price, {
					message: "must not be below min_price",
					path: ["max_price"],
				}),
			result: page(product),
			rest: { method: "GET", path: "/products" },
			idempotent: true,
			cached: { fresh_ms: 1000, among: ANY_PRODUCT },
		}),
		categories: action({
			summary: "The categories that have products",
			permissions: "public",
			params: z.strictObject({}),
			result: z.array(z.string()),
			rest: { method: "GET", path: "/products/categories" },
			idempotent: true,
			cached: { fresh_ms: 1000, among: ANY_PRODUCT },
		}),
		get: action({
			summary: "A product by id",
			permissions: "public",
			problems: ["PRODUCT_NOT_FOUND"],
			params: z.strictObject({ id: opaqueId }),
			result: product,
			rest: { method: "GET", path: "/products/:id" },
			idempotent: true,
			cached: { fresh_ms: 10_000, about: ({ id }) => aboutProduct(id) },
		}),
		getMany: action({
			summary: "Products by their ids, as they are now; those that are not sold any more are left out",
			permissions: "service",
			params: z.strictObject({ ids: z.array(opaqueId).min(1).max(ORDER_LINES_MAX) }),
			result: z.array(product),
			idempotent: true,
		}),
		create: action({
			summary: "Add a product, also as a variant of a group",
			permissions: "admin",
			problems: ["PRODUCT_GROUP_NOT_FOUND", "VARIANT_EXISTS"],
			example: {
				name: "Kopi Gayo 250 g",
				description: "Biji sangrai.",
				price: 92_000,
				stock: 40,
				category: "kopi",
			},
			params: newProduct,
			result: product,
			rest: { method: "POST", path: "/products", status: 201, location: "/products/:id" },
			changes: () => [ANY_PRODUCT],
		}),
		update: action({
			summary: "Change a product; stock is changed by its own action",
			permissions: "admin",
			problems: ["PRODUCT_NOT_FOUND", "PRODUCT_GROUP_NOT_FOUND", "VARIANT_EXISTS"],
			example: { id: "01a20af7e8d300020f7306eb", price: 95_000 },
			params: productChanges,
			result: product,
			rest: { method: "PATCH", path: "/products/:id" },
			idempotent: true,
			changes: ({ id }) => [aboutProduct(id), ANY_PRODUCT],
		}),
		remove: action({
			summary: "Take a product out of the shop; its old orders stay readable",
			permissions: "admin",
			problems: ["PRODUCT_NOT_FOUND"],
			params: z.strictObject({ id: opaqueId }),
			result: z.null(),
			rest: { method: "DELETE", path: "/products/:id", status: 204 },
			changes: ({ id }) => [aboutProduct(id), ANY_PRODUCT],
		}),
		...groupActions,
		changeStock: action({
			summary: "Add units to the stock, remove some, or set it if it has the expected value",
			permissions: "admin",
			problems: ["PRODUCT_NOT_FOUND", "STOCK_WOULD_BE_NEGATIVE", "STOCK_TOO_LARGE", "STOCK_DIFFERS"],
			example: { id: "01a20af7e8d300020f7306eb", stock: 40, expected: 38 },
			params: z
				.strictObject({
					id: opaqueId,
					quantity: whole(-STOCK_MAX, STOCK_MAX).optional(),
					stock: stock.optional(),
					/** Current stock, as far as the caller knows. */
					expected: whole(0, 2 * STOCK_MAX).optional(),
				})
				.superRefine(({ quantity, stock, expected }, check) => {
					const refuse = (path: string, message: string) => {
						check.addIssue({ code: "custom", path: [path], message });
					};
					if (stock === undefined && expected === undefined) {
						if (quantity === undefined) {
							refuse("quantity", "give either a quantity or a new stock");
						}
					} else if (quantity !== undefined) {
						refuse("quantity", "must not be given together with a new stock");
					} else if (stock === undefined) {
						refuse("stock", "is required too: the stock as it will be");
					} else if (expected === undefined) {
						refuse("expected", "is required too: the stock as it is now");
					}
				}),
			result: z.strictObject({ message: z.string(), stock: z.int() }),
			rest: { method: "PUT", path: "/products/:id/stock", query: ["quantity"] },
			changes: ({ id }) => [aboutProduct(id), ANY_PRODUCT],
		}),
		stock: action({
			summary: "The stock of products, by id, sku or a part of the name, with what is held",
			permissions: "admin",
			params: z.strictObject({ product: comparedLine(1, 200) }),
			result: z.array(
				z.strictObject({
					id: z.string(),
					sku: z.string(),
					name: z.string(),
					stock: z.int(),
					held: z.int(),
					supplied: z.int(),
					holds: z.int(),
				}),
			),
			idempotent: true,
		}),
		ledger: action({
			summary:
				"Where the units of a product come from, by id or sku: its latest changes, older ones summed by reason",
			permissions: "admin",
			problems: ["PRODUCT_NOT_FOUND"],
			params: z.strictObject({ product: comparedLine(1, 200) }),
			result: z.strictObject({
				id: z.string(),
				sku: z.string(),
				name: z.string(),
				supplied: z.int(),
				entries: z.array(
					z.strictObject({
						/** Null for a sum. */
						at: moment.nullable(),
						reason: supplyReason,
						quantity: z.int(),
						by: z.string().nullable(),
						/** Order or refund of a restock. */
						id: z.string().nullable(),
					}),
				),
			}),
			idempotent: true,
		}),
		bookRepair: action({
			summary: "Book what was supplied without a reason as a repair, so that the ledger accounts for it",
			permissions: "service",
			problems: ["PRODUCT_NOT_FOUND"],
			params: z.strictObject({ id: z.string() }),
			result: z.strictObject({ quantity: z.int() }),
			idempotent: true,
		}),
		import: action({
			summary:
				"Import lines of a catalogue: new products with their stock, known ones without, and groups of variants",
			permissions: "service",
			params: z.strictObject({
				/** SHA-256 of the file's content. A repeated import of the same file changes nothing. */
				file: z.string().regex(/^[0-9a-f]{64}$/),
				lines: catalogueLines,
			}),
			result: z.array(catalogueOutcome),
			idempotent: true,
			timeout_ms: 60_000,
		}),
		previewImport: action({
			summary: "What an import of lines of a catalogue would do; changes nothing",
			permissions: "service",
			params: z.strictObject({ lines: catalogueLines }),
			result: z.array(cataloguePreview),
			idempotent: true,
			timeout_ms: 60_000,
		}),
		count: action({
			summary: "How many products there are, removed ones included",
			permissions: "service",
			params: z.strictObject({}),
			result: z.strictObject({ products: z.int() }),
			idempotent: true,
		}),
		// Not idempotent without a request id: a second run would hold the units twice.
		reserve: action({
			summary: "Hold units for one attempt to order; all shortages are reported at once",
			permissions: "service",
			problems: ["RESERVATION_UNDER_WAY"],
			params: z.strictObject({
				reservation_id: z.uuid(),
				/** The same for all attempts with one Idempotency-Key. */
				request_id: z.uuid().optional(),
				lines: z.array(orderLine).min(1).max(ORDER_LINES_MAX),
				expires_at: moment,
			}),
			result: z.strictObject({
				/** Id of an earlier attempt's reservation if that one already holds all units. */
				reservation_id: z.uuid(),
				/** Expiry of the holds, which may be that of an earlier attempt. */
				expires_at: moment,
				lines: z.array(
					z.strictObject({
						product_id: z.string(),
						name: z.string(),
						price_minor: minorUnits,
						quantity: z.int(),
						// These only for callers with the header DESCRIBES_LINES, from processes of this version.
						options: product.shape.options.optional(),
						weight_g: product.shape.weight_g.optional(),
						requires_shipping: z.boolean().optional(),
						category: z.string().optional(),
					}),
				),
			}),
		}),
		newestSales: action({
			summary:
				"The reservation that was sold last of each product, the newest ones, for orders to see whether it knows them all",
			permissions: "service",
			params: z.strictObject({}),
			result: z.strictObject({ reservation_ids: z.array(z.uuid()) }),
			idempotent: true,
		}),
		unheld: action({
			summary:
				"Which of these reservations have no hold in one of their products, for orders to see whether it is older",
			permissions: "service",
			params: z.strictObject({
				reservations: z
					.array(z.strictObject({ reservation_id: z.uuid(), product_ids: z.array(opaqueId) }))
					.min(1)
					.max(1000),
			}),
			result: z.strictObject({ reservation_ids: z.array(z.uuid()) }),
			idempotent: true,
		}),
		holdAgain: action({
			summary: "Hold units again for a pending order whose hold is lost, for the operator who accepts that",
			permissions: "service",
			params: z.strictObject({
				reservation_id: z.uuid(),
				expires_at: moment,
				lines: z
					.array(
						z.strictObject({
							product_id: opaqueId,
							quantity: z.int().min(1),
							/** True if the units left the stock in a sale that orders has lost. */
							is_sold: z.boolean(),
						}),
					)
					.min(1),
			}),
			result: z.strictObject({ is_held: z.boolean() }),
			idempotent: true,
		}),
		takeSold: action({
			summary:
				"Take units that orders has sold out of a stock that does not know it, where it is as it was found",
			permissions: "service",
			params: z.strictObject({
				product_id: opaqueId,
				stock: whole(-2 * STOCK_MAX, 2 * STOCK_MAX),
				supplied: whole(-COUNT_MAX, COUNT_MAX),
				quantity: whole(1, COUNT_MAX),
			}),
			result: z.strictObject({ is_taken: z.boolean() }),
		}),
		acceptEvents: action({
			summary: "Treat events up to this position of the stream as processed",
			permissions: "service",
			params: z.strictObject({ up_to: whole(0, COUNT_MAX) }),
			result: z.null(),
			idempotent: true,
		}),
		consume: action({
			summary: "The held units are sold",
			permissions: "service",
			params: z.strictObject({ reservation_id: z.uuid() }),
			result: z.strictObject({ lines: z.int() }),
			idempotent: true,
		}),
		release: action({
			summary: "The held units go back on sale",
			permissions: "service",
			params: z.strictObject({ reservation_id: z.uuid() }),
			result: z.strictObject({ lines: z.int() }),
			idempotent: true,
		}),
		restock: action({
			summary: "Refunded units go back on sale, once for each id",
			permissions: "service",
			params: z.strictObject({
				/** Id of the restock: that of the refund, or of the order that was refunded as a whole. */
				order_id: z.uuid(),
				lines: z.array(orderLine).min(1).max(ORDER_LINES_MAX),
				/** Time at which orders found that the units were not back yet. */
				asked_at: moment.optional(),
			}),
			result: z.strictObject({ lines: z.int() }),
			idempotent: true,
		}),
		health: healthAction("product-service", "/health/product"),
	},
});
