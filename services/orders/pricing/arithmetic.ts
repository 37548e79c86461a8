/** Number of basis points in a whole: a percentage is a number of hundredths of a percent. */
export const WHOLE_BP = 10_000n;

const MAX = BigInt(Number.MAX_SAFE_INTEGER);
const PERCENT = /^(\d{1,3})(?:\.(\d{1,2}))?$/;

/** Refusal of a sum that exceeds 2^53 - 1, the largest one that JSON carries exactly. */
export const TOO_LARGE = { refused: "TOTAL_TOO_LARGE" } as const;

/**
 * Converts an amount in minor units, a quantity or a weight.
 *
 * @throws RangeError if it is negative or has decimals: contracts admit neither.
 */
export function natural(value: number): bigint {
	const converted = BigInt(value);
	if (converted < 0n) {
		throw new RangeError(`${value} is negative`);
	}
	return converted;
}

/** Reports whether a sum is too large for JSON. */
export function isTooLarge(...values: bigint[]): boolean {
	return values.some((value) => value > MAX);
}

/** Divides two natural numbers, rounding half up (R1). */
export function divideHalfUp(dividend: bigint, divisor: bigint): bigint {
	return (2n * dividend + divisor) / (2n * divisor);
}

/**
 * Reads a percentage with at most two decimals as basis points: 11.5 is 1150. It reads the digits, because 100 × 1.15 is
 * 114.99999999999999 in floating point. Undefined for any other text or number.
 */
export function basisPoints(percent: number | string): number | undefined {
	const [, whole, decimals = ""] = PERCENT.exec(String(percent)) ?? [];
	return whole === undefined ? undefined : Number(whole + decimals.padEnd(2, "0"));
}

/**
 * Spreads an amount by largest remainder (R2): each weight gets its exact share rounded down, and the units left over go
 * to the largest remainders, of equal ones to the first. A weight of 0 gets nothing, and no share exceeds its weight
 * while the amount does not exceed their sum.
 *
 * @throws RangeError if the weights are all 0 and the amount is not.
 */
export function spread(amount: bigint, weights: readonly bigint[]): bigint[] {
	const sum = total(weights);
	if (sum === 0n) {
		if (amount !== 0n) {
			throw new RangeError(`there is nothing to spread ${amount} over`);
		}
		return weights.map(() => 0n);
	}
	const shares = weights.map((weight) => (amount * weight) / sum);
	const remainders = weights.map((weight) => (amount * weight) % sum);
	// Sorting is stable: equal remainders keep the order of their lines.
	const largest = [...weights.keys()].sort((a, b) => compare(at(remainders, b), at(remainders, a)));
	for (const index of largest.slice(0, Number(amount - total(shares)))) {
		shares[index] = at(shares, index) + 1n;
	}
	return shares;
}

export function plus(a: readonly bigint[], b: readonly bigint[]): bigint[] {
	return a.map((value, index) => value + at(b, index));
}

export function minus(a: readonly bigint[], b: readonly bigint[]): bigint[] {
	return a.map((value, index) => value - at(b, index));
}

export function total(values: readonly bigint[]): bigint {
	return values.reduce((sum, value) => sum + value, 0n);
}

export function least(...values: [bigint, ...bigint[]]): bigint {
	return values.toSorted(compare)[0] as bigint;
}

function compare(a: bigint, b: bigint): number {
	return a < b ? -1 : a > b ? 1 : 0;
}

function at(values: readonly bigint[], index: number): bigint {
	return values[index] as bigint;
}
