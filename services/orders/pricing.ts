/** A line of an order: the price of one unit in minor units, and the number of units. */
interface PricedLine {
	price_minor: number;
	quantity: number;
}

/**
 * Returns the total of an order in minor units; undefined if it exceeds 2^53 - 1, the largest total that JSON can carry
 * exactly.
 */
export function totalOf(lines: readonly PricedLine[]): number | undefined {
	const total = lines.reduce((sum, line) => sum + BigInt(line.price_minor) * BigInt(line.quantity), 0n);
	return total <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(total) : undefined;
}
