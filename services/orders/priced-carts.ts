import type { z } from "zod";
import type { ActionContext } from "../../contracts/actions.ts";
import type { cart } from "../../contracts/carts.ts";
import { fromMinor } from "../../contracts/money.ts";
import type { CartItem, CartRow } from "./carts.ts";
import { fieldsOf, pricedLines, type ReservedLine, toPrice } from "./costs.ts";
import { presentLine } from "./model.ts";
import { type Price, price } from "./pricing/price.ts";
import { described, presentAmounts, shortage } from "./quote.ts";
import type { OrderingService } from "./reservations.ts";
import { readTerms, toPriceBy } from "./terms.ts";

type Cart = z.input<typeof cart>;

/** A line of a cart with its product as it is now; without a price if it is not sold any more. */
interface CartLine extends Omit<ReservedLine, "price_minor"> {
	price_minor: number | null;
	available: number;
	put_minor: number;
}

type Orderable = CartLine & ReservedLine;

/** Returns a cart with the prices of now. What cannot be ordered now is shown, and left out of the sums. */
export async function presentCart(
	service: OrderingService,
	ctx: Pick<ActionContext, "call">,
	row: CartRow,
): Promise<Cart> {
	const lines = await readLines(ctx, row.items);
	const terms = await readTerms(service, ctx, {}, undefined);
	const priceOf = (priced: Orderable[]) => price({ lines: toPrice(priced), ...toPriceBy(terms) });
	const inStock = lines.filter(isOrderable);
	const all = priceOf(inStock);
	const isTooLarge = "refused" in all;
	const orderable = isTooLarge ? [] : inStock;
	const priced = isTooLarge ? (priceOf([]) as Price) : all;
	const amounts = pricedLines(orderable, priced, terms.tax);
	return {
		id: row.id,
		status: row.status,
		version: row.version,
		order_id: row.order_id,
		merged_into: row.merged_into,
		items: lines.map((line, place) => {
			const given = amounts[orderable.indexOf(line as Orderable)];
			return {
				...presentLine({ ...line, price_minor: 0, ...given }, place),
				...(given ? {} : NOTHING),
				price: line.price_minor === null ? null : fromMinor(line.price_minor),
				available: line.available,
				price_changed_from:
					line.price_minor === null || line.price_minor === line.put_minor ? null : fromMinor(line.put_minor),
			};
		}),
		...presentAmounts(priced, terms.tax),
		reasons: [
			...lines.flatMap((line, place) => (isOrderable(line) ? [] : [shortage(place, line.available)])),
			...(isTooLarge ? [{ about: "total" as const, ...described({ code: all.refused, data: {} }) }] : []),
		],
		created_at: new Date(row.created_at).toISOString(),
		touched_at: new Date(row.touched_at).toISOString(),
	};
}

/** Amounts of a line that cannot be ordered. */
const NOTHING = { subtotal: 0, discount: 0, tax: 0, paid: 0 };

function isOrderable(line: CartLine): line is Orderable {
	return line.price_minor !== null && line.available >= line.quantity;
}

/** Reads the products of a cart by one call. */
async function readLines(ctx: Pick<ActionContext, "call">, items: CartItem[]): Promise<CartLine[]> {
	const ids = items.map(({ product_id }) => product_id);
	const products = ids.length === 0 ? [] : await ctx.call("v1.products.getMany", { ids });
	const byId = new Map(products.map((product) => [product.id, product]));
	return items.map(({ product_id, quantity, price_minor: put_minor, name, options }) => {
		const product = byId.get(product_id);
		const line = { product_id, quantity, put_minor };
		return product
			? { ...line, ...fieldsOf(product) }
			: { ...line, name, options, price_minor: null, available: 0 };
	});
}
