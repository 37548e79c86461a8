import { VARIABLES } from "./variables.ts";

/** Names of Toko's variables that are long enough for a typing error in them to be recognized. */
const NAMES = Object.keys(VARIABLES).filter(({ length }) => length >= 8);

/** Names of other programs' variables that resemble Toko's. */
const OTHERS = /^(\w+_URI|SERVICE|LOGLEVEL)$/;

/**
 * Finds variables whose name differs by one typing error from one of Toko's that is unset. Returns each with the
 * correct name.
 */
export function misspeltVariables(environment = process.env): [name: string, right: string][] {
	return Object.keys(environment).flatMap((name): [string, string][] => {
		if (NAMES.includes(name) || OTHERS.test(name)) {
			return [];
		}
		const right = NAMES.find((one) => environment[one] === undefined && isOneSlipAway(name, one));
		return right === undefined ? [] : [[name, right]];
	});
}

/** Reports whether two names differ by one letter that is missing, extra, replaced or swapped with its neighbour. */
function isOneSlipAway(name: string, right: string): boolean {
	let start = 0;
	while (start < right.length && name[start] === right[start]) {
		start++;
	}
	const [a, b] = [name.slice(start), right.slice(start)];
	return (
		a === b.slice(1) ||
		a.slice(1) === b ||
		a.slice(1) === b.slice(1) ||
		(a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2))
	);
}
