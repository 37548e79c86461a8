import type { ResultOf } from "../../contracts/actions.ts";
import { toMinor } from "../../contracts/money.ts";
import type { OrderLine, OrderRow } from "./model.ts";
import type { Price, PriceInput } from "./pricing/price.ts";
import type { Tax } from "./pricing/tax.ts";

/** A product of an order as products describes it: one of the version before gives neither weight nor category. */
export type ReservedLine = Pick<
	OrderLine,
	| "product_id"
	| "name"
	| "price_minor"
	| "quantity"
	| "options"
	| "category"
	| "weight_g"
	| "requires_shipping"
>;

/** Columns of an order that say what it costs. */
export type Costs = Pick<
	OrderRow,
	| "total_minor"
	| "subtotal_minor"
	| "discount_minor"
	| "shipping_minor"
	| "shipping_discount_minor"
	| "shipping_tax_minor"
	| "shipping_paid_minor"
	| "tax_minor"
	| "tax_basis_points"
	| "tax_included"
>;

/** Returns the fields of a line that are those of its product as it is now, and how many units of it are in stock. */
export function fieldsOf(product: ResultOf<"v1.products.get">) {
	const { name, options, category, weight_g, requires_shipping, price, stock } = product;
	return {
		...{ name, options, category, weight_g, requires_shipping },
		...{ price_minor: toMinor(price), available: stock },
	};
}

/** Returns lines in the order of the request, by which an order numbers them: products returns them by its own order. */
export function inOrderOf<Line extends { product_id: string }>(
	items: readonly { product_id: string }[],
	lines: readonly Line[],
): Line[] {
	const ids = items.map(({ product_id }) => product_id);
	return lines.toSorted((one, other) => ids.indexOf(one.product_id) - ids.indexOf(other.product_id));
}

/** Reports whether any of these lines is shipped. */
export function isShipped(lines: readonly ReservedLine[]): boolean {
	return lines.some(({ requires_shipping }) => requires_shipping ?? true);
}

/** Returns the lines of an order as the price function reads them. */
export function toPrice(lines: readonly ReservedLine[]): PriceInput["lines"] {
	return lines.map(({ price_minor, quantity, weight_g, requires_shipping, category }) => ({
		...{ price_minor, quantity, category: category ?? null },
		...{ weight_g: weight_g ?? 0, requires_shipping: requires_shipping ?? true },
	}));
}

/**
 * Returns what the database stores of a price. An order without discount, fee and tax is stored as by the version before,
 * with its total alone.
 */
export function costsOf(price: Price, tax: Tax): Costs {
	const { total_minor, subtotal_minor, discount_minor, shipping_minor, tax_minor, shipping } = price;
	if (isPlain(price, tax)) {
		return { total_minor };
	}
	return {
		...{ total_minor, subtotal_minor, discount_minor, shipping_minor, tax_minor },
		shipping_discount_minor: shipping.discount_minor,
		shipping_tax_minor: shipping.tax_minor,
		shipping_paid_minor: shipping.paid_minor,
		...{ tax_basis_points: tax.basis_points, tax_included: tax.is_included },
	};
}

/** Returns the lines of an order as the database stores them, in the manner of `costsOf`. */
export function pricedLines(lines: readonly ReservedLine[], price: Price, tax: Tax): OrderLine[] {
	if (isPlain(price, tax)) {
		return [...lines];
	}
	return lines.map((line, place) => {
		const { discount_minor = 0, tax_minor = 0, paid_minor } = price.lines[place] ?? {};
		return { ...line, discount_minor, tax_minor, paid_minor };
	});
}

function isPlain({ discount_minor, shipping_minor }: Price, { basis_points }: Tax): boolean {
	return discount_minor === 0 && shipping_minor === 0 && basis_points === 0;
}
