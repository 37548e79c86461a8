import type { Pool, PoolClient } from "pg";
import type { z } from "zod";
import { fromMinor, toMinor } from "../../contracts/money.ts";
import { problem } from "../../contracts/problems.ts";
import {
	type NewVoucher,
	type VoucherChange,
	valueError,
	type voucher,
	windowError,
} from "../../contracts/vouchers.ts";
import type { PostgresService } from "../../database/postgres-service.ts";
import { basisPoints } from "./pricing/arithmetic.ts";
import type { Voucher } from "./pricing/vouchers.ts";

type Kind = NewVoucher["kind"];

/** A voucher with its limits, as JSON from the database. */
export interface VoucherRow {
	id: string;
	code: string;
	limits_id: number;
	kind: Kind;
	/** In hundredths of a percent, or minor units. */
	value: number | null;
	cap_minor: number | null;
	min_subtotal_minor: number | null;
	category: string | null;
	starts_at: string | null;
	ends_at: string | null;
	key_id: string | null;
	created_at: string;
	updated_at: string;
	promotion: string | null;
	max_uses: number | null;
	per_user: number | null;
	used: number;
}

/** SQL expression: voucher `v` with its limits `l`. */
export const WITH_LIMITS = "to_jsonb(v) || (to_jsonb(l) - 'id')";

/** Returns vouchers, newest first; `after` is the time and id of the last one of the previous page. */
export async function listVouchers(
	pool: Pool,
	{ skip, limit, after }: { skip: number; limit: number; after?: [string, string] | undefined },
): Promise<VoucherRow[]> {
	const { rows } = await pool.query<{ voucher: VoucherRow }>(
		`SELECT ${WITH_LIMITS} AS voucher FROM vouchers v JOIN voucher_limits l ON l.id = v.limits_id
		WHERE $3::timestamptz IS NULL OR (v.created_at, v.id) < ($3, $4::uuid)
		ORDER BY v.created_at DESC, v.id DESC LIMIT $1 OFFSET $2`,
		[limit, skip, ...(after ?? [null, null])],
	);
	return rows.map((row) => row.voucher);
}

/** @throws VOUCHER_NOT_FOUND */
export async function findVoucher(database: Pool | PoolClient, code: string): Promise<VoucherRow> {
	const { rows } = await database.query<{ voucher: VoucherRow }>(
		`SELECT ${WITH_LIMITS} AS voucher FROM vouchers v JOIN voucher_limits l ON l.id = v.limits_id WHERE v.code = $1`,
		[code],
	);
	if (!rows[0]) {
		throw problem("VOUCHER_NOT_FOUND");
	}
	return rows[0].voucher;
}

/**
 * Adds a voucher. A code of an existing promotion takes its limits.
 *
 * @param key_id Id of the request, if it has an idempotency key: its repetition returns the same voucher.
 * @throws VOUCHER_EXISTS; VALIDATION_FAILED for limits other than those of the promotion
 */
export async function addVoucher(
	service: PostgresService,
	given: NewVoucher,
	key_id: string | undefined,
): Promise<VoucherRow> {
	const { code, kind } = given;
	const added = await service.transaction(async (client) => {
		const limits_id = await limitsOf(client, given);
		const { rowCount } = await client.query(
			`INSERT INTO vouchers (
				limits_id, key_id, code, kind, value, cap_minor, min_subtotal_minor, category, starts_at, ends_at
			) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING`,
			[limits_id, key_id, code, kind, ...valuesOf(kind, given)],
		);
		if (rowCount === 0) {
			await client.query(
				"DELETE FROM voucher_limits l WHERE id = $1 AND NOT EXISTS (SELECT FROM vouchers v WHERE v.limits_id = l.id)",
				[limits_id],
			);
		}
		return rowCount === 1;
	});
	const row = await findVoucher(service.pool, code);
	if (!added && (key_id === undefined || row.key_id !== key_id)) {
		throw problem("VOUCHER_EXISTS", { code });
	}
	return row;
}

/** Returns the id of the limits of a new voucher: new ones, or those of its promotion. */
async function limitsOf(client: PoolClient, given: NewVoucher): Promise<number> {
	const { promotion = null, max_uses = null, per_user = null } = given;
	const { rows: added } = await client.query<{ id: number }>(
		`INSERT INTO voucher_limits (promotion, max_uses, per_user) VALUES ($1, $2, $3)
		ON CONFLICT DO NOTHING RETURNING id::float8 AS id`,
		[promotion, max_uses, per_user],
	);
	if (added[0]) {
		return added[0].id;
	}
	const { rows } = await client.query<{ id: number; max_uses: number | null; per_user: number | null }>(
		"SELECT id::float8 AS id, max_uses, per_user FROM voucher_limits WHERE promotion = $1",
		[promotion],
	);
	const limits = rows[0] as (typeof rows)[number];
	const errors = (["max_uses", "per_user"] as const)
		.filter((name) => given[name] !== undefined && given[name] !== limits[name])
		.map((path) => ({
			path,
			message: `must be ${limits[path] ?? "left out"}, as for the other codes of this promotion; change it by PATCH`,
		}));
	if (errors.length > 0) {
		throw problem("VALIDATION_FAILED", { errors });
	}
	return limits.id;
}

/**
 * Changes a voucher, and the limits of all codes of its promotion.
 *
 * @throws VOUCHER_NOT_FOUND; VALIDATION_FAILED if a new field does not fit a stored one
 */
export function updateVoucher(
	service: PostgresService,
	{ code, ...change }: VoucherChange,
): Promise<VoucherRow> {
	return service.transaction(async (client) => {
		const locked = await client.query("SELECT FROM vouchers WHERE code = $1 FOR NO KEY UPDATE", [code]);
		if (locked.rowCount === 0) {
			throw problem("VOUCHER_NOT_FOUND");
		}
		const row = await findVoucher(client, code);
		const { kind } = row;
		const after = { ...presentVoucher(row), ...change };
		const errors = [
			{ path: "value", message: valueError(kind, after.value) },
			{ path: "ends_at", message: windowError(after.starts_at, after.ends_at) },
		].flatMap(({ path, message }) => (message ? [{ path, message }] : []));
		if (errors.length > 0) {
			throw problem("VALIDATION_FAILED", { errors });
		}
		await client.query(
			`UPDATE vouchers SET value = $2, cap_minor = $3, min_subtotal_minor = $4, category = $5, starts_at = $6,
				ends_at = $7, updated_at = now()
			WHERE code = $1`,
			[code, ...valuesOf(kind, after)],
		);
		// Orders wait for this row: it is left alone where nothing of it changes.
		if (change.max_uses !== undefined || change.per_user !== undefined) {
			await client.query("UPDATE voucher_limits SET max_uses = $2, per_user = $3 WHERE id = $1", [
				row.limits_id,
				after.max_uses ?? null,
				after.per_user ?? null,
			]);
		}
		return findVoucher(client, code);
	});
}

/** Returns the terms of a voucher as the price function takes them. */
export function termsOfVoucher(row: VoucherRow): Voucher {
	const { kind, value, cap_minor, min_subtotal_minor, category, starts_at, ends_at } = row;
	const conditions = {
		...{ cap_minor, min_subtotal_minor, category },
		starts_at: starts_at === null ? null : new Date(starts_at),
		ends_at: ends_at === null ? null : new Date(ends_at),
	};
	return kind === "shipping"
		? { kind, value, ...conditions }
		: { kind, value: value as number, ...conditions };
}

/** Converts a row to a voucher of the contract. */
export function presentVoucher(row: VoucherRow): z.input<typeof voucher> {
	const { code, promotion, kind, value, category, max_uses, per_user, used } = row;
	return {
		...{ code, promotion, kind },
		value: value === null ? null : kind === "percent" ? percentOf(value) : fromMinor(value),
		cap: amountOf(row.cap_minor),
		min_subtotal: amountOf(row.min_subtotal_minor),
		category,
		starts_at: momentOf(row.starts_at),
		ends_at: momentOf(row.ends_at),
		...{ max_uses, per_user, used },
		created_at: new Date(row.created_at).toISOString(),
		updated_at: new Date(row.updated_at).toISOString(),
	};
}

/** Returns hundredths of a percent as percent. */
function percentOf(basis_points: number): number {
	return Number((basis_points / 100).toFixed(2));
}

function amountOf(minor: number | null): number | null {
	return minor === null ? null : fromMinor(minor);
}

function momentOf(at: string | null): string | null {
	return at === null ? null : new Date(at).toISOString();
}

/** Returns the columns of the terms of a voucher. */
function valuesOf(kind: Kind, given: Omit<VoucherChange, "code">) {
	const { value, cap, min_subtotal, category, starts_at, ends_at } = given;
	const stored = value == null ? null : kind === "percent" ? basisPoints(value) : toMinor(value);
	const [cap_minor, min_subtotal_minor] = [cap, min_subtotal].map((amount) =>
		amount == null ? null : toMinor(amount),
	);
	return [stored, cap_minor, min_subtotal_minor, category ?? null, starts_at ?? null, ends_at ?? null];
}
