/** A product and quantity in an attempt to order. */
export interface Line {
	product_id: string;
	quantity: number;
}

/**
 * Sums the lines of each product, ordered by product id, so that of two concurrent attempts at the same products one
 * succeeds.
 */
export function sumByProduct(lines: Line[]): Map<string, number> {
	const sums = new Map<string, number>();
	for (const { product_id, quantity } of lines) {
		sums.set(product_id, (sums.get(product_id) ?? 0) + quantity);
	}
	return new Map([...sums].sort(([a], [b]) => (a < b ? -1 : 1)));
}
