import { least, natural, total } from "./arithmetic.ts";

/** Payments for an order and its refunds; those that are not settled yet count as given back. */
export interface PaidOrder {
	lines: readonly PaidLine[];
	/** Paid for shipping, in minor units. */
	shipping_paid_minor: number;
	is_shipping_refunded: boolean;
	/** Sum of all refunds. */
	refunded_minor: number;
}

export interface PaidLine {
	/** Number of the line, from 1. */
	line: number;
	quantity: number;
	paid_minor: number;
	/** Number of units that were given back. */
	refunded_quantity: number;
}

/** Request for a refund: units of lines, shipping, and an amount in addition to them. */
export interface RefundRequest {
	items?: readonly { line: number; quantity: number }[];
	shipping?: boolean;
	amount_minor?: number;
}

/** A refund: `total_minor` is the sum of the amounts of items and shipping, and of the amount for neither. */
export interface Refund {
	items: { line: number; quantity: number; amount_minor: number }[];
	shipping_minor: number;
	other_minor: number;
	total_minor: number;
}

/** `refundable_minor`: everything that is left. An `EMPTY_REFUND` names neither units nor shipping nor an amount. */
export type RefundRefusal =
	| { refused: "REFUND_TOO_LARGE"; refundable_minor: number }
	| { refused: "LINE_NOT_FOUND"; line: number }
	| { refused: "EMPTY_REFUND" };

/**
 * Returns the part of an amount for all units of a line that the units from + 1 to to stand for (R4), such as of what was
 * paid, or of its tax. The parts of any partition of the units give the amount.
 */
export function partOf(amount: number, quantity: number, from: number, to: number): number {
	const upTo = (units: number) => (natural(amount) * natural(units)) / natural(quantity);
	return Number(upTo(to) - upTo(from));
}

/**
 * Returns a refund of a part of an order, or why it is refused: it gives back no more units than were bought, shipping once,
 * and no more money than is left. After an amount for neither, the money may not suffice for all units: `refundOfRest`.
 */
export function refundOf(order: PaidOrder, request: RefundRequest): Refund | RefundRefusal {
	const { items = [], shipping = false, amount_minor = 0 } = request;
	const wanted = new Map<number, number>();
	for (const { line, quantity } of items) {
		wanted.set(line, (wanted.get(line) ?? 0) + Number(natural(quantity)));
	}
	if (wanted.size === 0 && !shipping && amount_minor === 0) {
		return { refused: "EMPTY_REFUND" };
	}
	const tooLarge = { refused: "REFUND_TOO_LARGE", refundable_minor: refundable(order).total_minor } as const;
	const refunded: Refund["items"] = [];
	for (const [number, quantity] of wanted) {
		const line = order.lines.find((each) => each.line === number);
		if (!line) {
			return { refused: "LINE_NOT_FOUND", line: number };
		}
		if (quantity > line.quantity - line.refunded_quantity) {
			return tooLarge;
		}
		refunded.push({ line: number, quantity, amount_minor: amountOf(line, quantity) });
	}
	if (shipping && order.is_shipping_refunded) {
		return tooLarge;
	}
	const shipping_minor = shipping ? order.shipping_paid_minor : 0;
	const sum = total(
		[...refunded.map((item) => item.amount_minor), shipping_minor, amount_minor].map(natural),
	);
	return sum > natural(tooLarge.refundable_minor)
		? tooLarge
		: { items: refunded, shipping_minor, other_minor: amount_minor, total_minor: Number(sum) };
}

/**
 * Returns the refund of everything that is left: all units, shipping, and all money. Where amounts for neither were given
 * back before, units and shipping get less than was paid for them, in the order of the lines.
 */
export function refundOfRest(order: PaidOrder): Refund {
	const { lines, shipping_minor, total_minor } = refundable(order);
	let left = natural(total_minor);
	const take = (amount: number): number => {
		const taken = least(left, natural(amount));
		left -= taken;
		return Number(taken);
	};
	const items = lines
		.filter(({ quantity }) => quantity > 0)
		.map((line) => ({ ...line, amount_minor: take(line.amount_minor) }));
	return { items, shipping_minor: take(shipping_minor), other_minor: Number(left), total_minor };
}

/** Returns what can still be given back: the units of each line with their amount, that of shipping, and all money. */
export function refundable(
	order: PaidOrder,
): Omit<Refund, "items" | "other_minor"> & { lines: Refund["items"] } {
	const paid = [...order.lines.map(({ paid_minor }) => paid_minor), order.shipping_paid_minor];
	const total_minor = Number(total(paid.map(natural)) - natural(order.refunded_minor));
	const lines = order.lines.map((line) => {
		const quantity = line.quantity - line.refunded_quantity;
		return { line: line.line, quantity, amount_minor: Math.min(amountOf(line, quantity), total_minor) };
	});
	const of_shipping = order.is_shipping_refunded ? 0 : order.shipping_paid_minor;
	return { lines, shipping_minor: Math.min(of_shipping, total_minor), total_minor };
}

/** Returns what the next units of a line give back. */
function amountOf({ quantity, paid_minor, refunded_quantity }: PaidLine, units: number): number {
	return partOf(paid_minor, quantity, refunded_quantity, refunded_quantity + units);
}
