import type { Pool } from "pg";
import type { z } from "zod";
import { fromMinor, toMinor } from "../../contracts/money.ts";
import { problem } from "../../contracts/problems.ts";
import type { NewShippingMethod, ShippingMethodChange, shippingMethod } from "../../contracts/shipping.ts";
import { availableMethods, type Destination, PICKUP, type ShippingMethod } from "./pricing/shipping.ts";

/** A row of `shipping_methods`, as JSON from the database. */
export interface MethodRow extends ShippingMethod {
	name: string;
	eta_days: number | null;
}

/** `pickup` as a row. */
export const PICKUP_ROW: MethodRow = { ...PICKUP, name: "Pickup", eta_days: null };

/** Returns the methods of the shop, `pickup` last. */
export async function listMethods(pool: Pool): Promise<MethodRow[]> {
	const { rows } = await pool.query<{ method: MethodRow }>(
		`SELECT to_jsonb(m) AS method FROM shipping_methods m ORDER BY created_at, code COLLATE "C"`,
	);
	return [...rows.map(({ method }) => method), PICKUP_ROW];
}

/** Returns the methods that ship a weight to a destination with their fees, or all methods without one. */
export async function shippingMethods(pool: Pool, destination: Destination | undefined, weight_g: number) {
	const methods = await listMethods(pool);
	return destination === undefined
		? methods.map((row) => presentMethod(row))
		: availableMethods(methods, destination, weight_g).map(({ method, fee_minor }) => ({
				...presentMethod(method.code === PICKUP.code ? PICKUP_ROW : (method as MethodRow)),
				fee: fromMinor(fee_minor),
			}));
}

/**
 * Adds a method.
 *
 * @param key_id Id of the request, if it has an idempotency key: its repetition returns the same method.
 * @throws SHIPPING_METHOD_EXISTS
 */
export async function addMethod(
	pool: Pool,
	given: NewShippingMethod,
	key_id: string | undefined,
): Promise<MethodRow> {
	if (given.code === PICKUP.code) {
		throw problem("SHIPPING_METHOD_EXISTS", { method: given.code });
	}
	const { rows: added } = await pool.query<{ method: MethodRow }>(
		`INSERT INTO shipping_methods AS m (code, key_id, name, zones, bands, per_extra_kg_minor, free_from_minor, eta_days)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING RETURNING to_jsonb(m) AS method`,
		[given.code, key_id, ...valuesOf(given)],
	);
	const { rows: repeated } = await pool.query<{ method: MethodRow }>(
		"SELECT to_jsonb(m) AS method FROM shipping_methods m WHERE key_id = $1",
		[key_id],
	);
	const row = added[0] ?? repeated[0];
	if (!row) {
		throw problem("SHIPPING_METHOD_EXISTS", { method: given.code });
	}
	return row.method;
}

/** @throws SHIPPING_METHOD_NOT_FOUND */
export async function updateMethod(
	pool: Pool,
	{ code, ...change }: ShippingMethodChange,
): Promise<MethodRow> {
	const names = Object.keys(change) as (keyof typeof change)[];
	const [name, zones, bands, per_extra_kg_minor, free_from_minor, eta_days] = valuesOf(change);
	const { rows } = await pool.query<{ method: MethodRow }>(
		`UPDATE shipping_methods AS m SET
			name = coalesce($3, name), zones = coalesce($4::jsonb, zones), bands = coalesce($5::jsonb, bands),
			per_extra_kg_minor = CASE WHEN 'per_extra_kg' = ANY ($2) THEN $6 ELSE per_extra_kg_minor END,
			free_from_minor = CASE WHEN 'free_from' = ANY ($2) THEN $7 ELSE free_from_minor END,
			eta_days = CASE WHEN 'eta_days' = ANY ($2) THEN $8 ELSE eta_days END,
			updated_at = now()
		WHERE code = $1 RETURNING to_jsonb(m) AS method`,
		[code, names, name, zones, bands, per_extra_kg_minor, free_from_minor, eta_days],
	);
	return found(rows, code);
}

/**
 * @param isRepetition True if an attempt of the same request may have removed it already.
 * @throws SHIPPING_METHOD_NOT_FOUND
 */
export async function removeMethod(pool: Pool, code: string, isRepetition: boolean): Promise<void> {
	const { rowCount } = await pool.query("DELETE FROM shipping_methods WHERE code = $1", [code]);
	if (rowCount === 0 && !isRepetition) {
		throw problem("SHIPPING_METHOD_NOT_FOUND", { method: code });
	}
}

/** Converts a row to a method of the contract. */
export function presentMethod(row: MethodRow): z.input<typeof shippingMethod> {
	const { code, name, zones, bands, per_extra_kg_minor, free_from_minor, eta_days } = row;
	return {
		...{ code, name, eta_days },
		zones: zones.map(({ country, province, postal_prefixes }) => ({
			country,
			province: province ?? null,
			postal_prefixes: postal_prefixes ? [...postal_prefixes] : null,
		})),
		bands: bands.map(({ up_to_g, fee_minor }) => ({ up_to_g, fee: fromMinor(fee_minor) })),
		per_extra_kg: per_extra_kg_minor == null ? null : fromMinor(per_extra_kg_minor),
		free_from: free_from_minor == null ? null : fromMinor(free_from_minor),
	};
}

/** Returns the columns of given fields; undefined for those that are not given. */
function valuesOf({
	name,
	zones,
	bands,
	per_extra_kg,
	free_from,
	eta_days,
}: Omit<ShippingMethodChange, "code">) {
	return [
		name,
		zones && JSON.stringify(zones),
		bands && JSON.stringify(bands.map(({ up_to_g, fee }) => ({ up_to_g, fee_minor: toMinor(fee) }))),
		per_extra_kg == null ? per_extra_kg : toMinor(per_extra_kg),
		free_from == null ? free_from : toMinor(free_from),
		eta_days,
	];
}

function found([row]: { method: MethodRow }[], code: string): MethodRow {
	if (!row) {
		throw problem("SHIPPING_METHOD_NOT_FOUND", { method: code });
	}
	return row.method;
}
