/** Returns the first index of a sorted list whose key is not less than the value. */
export function bisect<Key extends string>(
	order: readonly Record<Key, string>[],
	key: Key,
	value: string,
): number {
	let [low, high] = [0, order.length];
	while (low < high) {
		const middle = (low + high) >>> 1;
		if ((order[middle] as Record<Key, string>)[key] < value) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

/** Compares two keys by their code units, as the stores do. */
export function compare(one: string, other: string): number {
	return one < other ? -1 : Number(one > other);
}
