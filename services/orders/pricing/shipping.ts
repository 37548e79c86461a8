import { isTooLarge, natural } from "./arithmetic.ts";

/** The part of an address that decides how it is reached. A part that is not given excludes no method. */
export interface Destination {
	country: string;
	province?: string | undefined;
	postal_code?: string | undefined;
}

/** A region: a country, or its province, or the postal codes that begin with one of the prefixes. */
export interface Zone {
	country: string;
	province?: string | null;
	postal_prefixes?: readonly string[] | null;
}

/** Terms of a method of shipping, in minor units and grams. */
export interface ShippingMethod {
	code: string;
	zones: readonly Zone[];
	/** Fees by weight: that of the lightest band that the weight does not exceed applies. */
	bands: readonly { up_to_g: number; fee_minor: number }[];
	/** Fee for each begun kilogram above the heaviest band; without it nothing heavier is shipped. */
	per_extra_kg_minor?: number | null;
	/** From this amount of goods after discount the fee is 0. */
	free_from_minor?: number | null;
}

/** The method of shipping of an order, and where to; `PICKUP` needs no destination. */
export interface Shipping {
	method: ShippingMethod;
	destination?: Destination | null;
}

/** Collection in the shop: always available, at any weight and without an address, and free. */
export const PICKUP: ShippingMethod = { code: "pickup", zones: [], bands: [] };

/** Reason for which a method does not ship an order. */
export type ShippingReason = { reason: "no_method" | "no_address" | "outside_zones" | "too_heavy" };

const GRAMS_PER_KG = 1000n;

/** Returns the weight of the lines that are shipped, in grams; undefined if none is. */
export function shippedWeight(
	lines: readonly { quantity: number; weight_g?: number; requires_shipping?: boolean }[],
): bigint | undefined {
	const shipped = lines.filter(({ requires_shipping = true }) => requires_shipping);
	return shipped.length === 0
		? undefined
		: shipped.reduce((sum, { quantity, weight_g = 0 }) => sum + natural(weight_g) * natural(quantity), 0n);
}

/** Returns the fee of shipping in minor units, or why the method does not ship this weight to this destination. */
export function feeOf(
	shipping: Shipping | null | undefined,
	weight_g: bigint,
	discounted_goods: bigint,
): bigint | ShippingReason {
	if (!shipping) {
		return { reason: "no_method" };
	}
	const { method, destination } = shipping;
	if (method.code === PICKUP.code) {
		return 0n;
	}
	if (!destination) {
		return { reason: "no_address" };
	}
	if (!method.zones.some((zone) => contains(zone, destination))) {
		return { reason: "outside_zones" };
	}
	const fee = feeByWeight(method, weight_g);
	if (fee === undefined) {
		return { reason: "too_heavy" };
	}
	const isFree = method.free_from_minor != null && discounted_goods >= natural(method.free_from_minor);
	return isFree ? 0n : fee;
}

/**
 * Returns the methods that ship a weight to a destination, with their fees; `PICKUP` is always the last. The methods are
 * those of the shop, in its order.
 *
 * @param discounted_goods_minor The goods after discount, where they are known: without them no fee is free.
 */
export function availableMethods<Method extends ShippingMethod>(
	methods: readonly Method[],
	destination: Destination | null,
	weight_g: number,
	discounted_goods_minor = 0,
): { method: Method | typeof PICKUP; fee_minor: number }[] {
	const given = methods.filter(({ code }) => code !== PICKUP.code);
	return [...given, PICKUP].flatMap((method) => {
		const fee = feeOf({ method, destination }, natural(weight_g), natural(discounted_goods_minor));
		return typeof fee === "bigint" && !isTooLarge(fee) ? [{ method, fee_minor: Number(fee) }] : [];
	});
}

function feeByWeight({ bands, per_extra_kg_minor }: ShippingMethod, weight_g: bigint): bigint | undefined {
	const sorted = [...bands].sort((a, b) => a.up_to_g - b.up_to_g);
	const band = sorted.find(({ up_to_g }) => weight_g <= natural(up_to_g));
	if (band) {
		return natural(band.fee_minor);
	}
	if (per_extra_kg_minor == null) {
		return undefined;
	}
	const heaviest = sorted.at(-1) ?? { up_to_g: 0, fee_minor: 0 };
	const begun_kg = (weight_g - natural(heaviest.up_to_g) + GRAMS_PER_KG - 1n) / GRAMS_PER_KG;
	return natural(heaviest.fee_minor) + begun_kg * natural(per_extra_kg_minor);
}

function contains({ country, province, postal_prefixes }: Zone, destination: Destination): boolean {
	const { province: ofAddress, postal_code } = destination;
	return (
		country === destination.country &&
		(province == null || ofAddress === undefined || isSameName(province, ofAddress)) &&
		(!postal_prefixes?.length ||
			postal_code === undefined ||
			postal_prefixes.some((prefix) => compact(postal_code).startsWith(compact(prefix))))
	);
}

/** Compares names, of which contracts have normalized all but the case. */
function isSameName(a: string, b: string): boolean {
	return a.toLowerCase() === b.toLowerCase();
}

/** Folds a postal code, which some countries write with blanks or hyphens. */
function compact(code: string): string {
	return code.replace(/[\s-]/g, "").toUpperCase();
}
