/** What one attempt to order wants of one product. */
export interface Line {
	product_id: string;
	quantity: number;
}

/** Lines of the same product become one, in the order of their ids: of two attempts at the same products one gets all. */
export function sumByProduct(lines: Line[]): Map<string, number> {
	const sums = new Map<string, number>();
	for (const { product_id, quantity } of lines) {
		sums.set(product_id, (sums.get(product_id) ?? 0) + quantity);
	}
	return new Map([...sums].sort(([a], [b]) => (a < b ? -1 : 1)));
}
