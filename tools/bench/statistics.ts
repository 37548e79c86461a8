/** Returns the median: the middle value, or the mean of the two middle values for an even count. NaN for none. */
export function median(values: readonly number[]): number {
	const sorted = values.toSorted((one, other) => one - other);
	const middle = sorted.length / 2;
	return Number.isInteger(middle)
		? ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
		: (sorted[Math.floor(middle)] as number);
}

/**
 * Returns a percentile by nearest rank. NaN for none.
 *
 * @param share From 0 to 1: 0.99 for the 99th percentile.
 */
export function percentile(values: readonly number[], share: number): number {
	const sorted = values.toSorted((one, other) => one - other);
	return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** Returns the distance between the smallest and the largest value as a share of the median: 0.2 is 20 %. */
export function spread(values: readonly number[]): number {
	return values.length === 0 ? Number.NaN : (Math.max(...values) - Math.min(...values)) / median(values);
}

/** Adds numbers to the sums by name. */
export function addTo(sums: Map<string, number>, more: Iterable<readonly [string, number]>): void {
	for (const [name, value] of more) {
		sums.set(name, (sums.get(name) ?? 0) + value);
	}
}
