/**
 * Sums the quantities of lines of the same product. The lines keep the order in which their products come first, and the
 * other fields of that first line.
 */
export function mergeLines<Line extends { product_id: string; quantity: number }>(
	lines: readonly Line[],
): Line[] {
	const merged = new Map<string, Line>();
	for (const line of lines) {
		const first = merged.get(line.product_id);
		merged.set(line.product_id, first ? { ...first, quantity: first.quantity + line.quantity } : line);
	}
	return [...merged.values()];
}
