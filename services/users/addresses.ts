import type { Pool, PoolClient } from "pg";
import type { z } from "zod";
import {
	ADDRESSES_MAX,
	type Address,
	type addressChange,
	type savedAddress,
} from "../../contracts/addresses.ts";
import { postalCodeError } from "../../contracts/countries.ts";
import { problem } from "../../contracts/problems.ts";
import type { PostgresService } from "../../database/postgres-service.ts";

type Change = z.output<typeof addressChange>;

interface AddressRow extends Required<Address> {
	id: string;
	line2: string | null;
	created_at: Date;
	updated_at: Date;
}

const COLUMNS =
	"id, recipient, phone, line1, line2, city, province, postal_code, country, created_at, updated_at";
/** An id in a request is any text, which an unknown id is as well. */
const OF_USER = "user_id = $1 AND id::text = lower($2)";

/** Returns the addresses of a user, the oldest first. */
export async function listAddresses(
	pool: Pool,
	user_id: number,
	{ skip, limit }: { skip: number; limit: number },
): Promise<AddressRow[]> {
	const { rows } = await pool.query<AddressRow>(
		`SELECT ${COLUMNS} FROM addresses WHERE user_id = $1 ORDER BY created_at, id LIMIT $2 OFFSET $3`,
		[user_id, limit, skip],
	);
	return rows;
}

/** @throws ADDRESS_NOT_FOUND, also for an address of another user */
export async function findAddress(
	database: Pool | PoolClient,
	user_id: number,
	id: string,
	lock: "" | "FOR UPDATE" = "",
): Promise<AddressRow> {
	const { rows } = await database.query<AddressRow>(
		`SELECT ${COLUMNS} FROM addresses WHERE ${OF_USER} ${lock}`,
		[user_id, id],
	);
	return found(rows);
}

/**
 * Adds an address. The user is locked meanwhile, so that concurrent requests do not exceed the limit, and no deleted user
 * gets an address.
 *
 * @param key_id Id of the request, if it has an idempotency key: its repetition returns the same address.
 * @throws TOO_MANY_ADDRESSES; TOKEN_INVALID if the user was deleted or deactivated meanwhile
 */
export function addAddress(
	service: PostgresService,
	user_id: number,
	given: Address,
	key_id: string | undefined,
): Promise<AddressRow> {
	return service.transaction(async (client) => {
		const locked = await client.query("SELECT FROM users WHERE id = $1 AND is_active FOR NO KEY UPDATE", [
			user_id,
		]);
		if (locked.rowCount === 0) {
			throw problem("TOKEN_INVALID");
		}
		const { rows: present } = await client.query<AddressRow & { is_repeated: boolean | null }>(
			`SELECT ${COLUMNS}, key_id = $2 AS is_repeated FROM addresses WHERE user_id = $1`,
			[user_id, key_id],
		);
		const repeated = present.find(({ is_repeated }) => is_repeated);
		if (repeated) {
			return repeated;
		}
		if (present.length >= ADDRESSES_MAX) {
			throw problem("TOO_MANY_ADDRESSES", { max: ADDRESSES_MAX });
		}
		const { rows } = await client.query<AddressRow>(
			`INSERT INTO addresses (user_id, key_id, recipient, phone, line1, line2, city, province, postal_code, country)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) RETURNING ${COLUMNS}`,
			[user_id, key_id, ...valuesOf(given)],
		);
		return found(rows);
	});
}

/**
 * Changes fields of an address.
 *
 * @throws ADDRESS_NOT_FOUND; VALIDATION_FAILED if the postal code does not fit the country, of which one may be the stored one
 */
export function updateAddress(
	service: PostgresService,
	user_id: number,
	id: string,
	change: Change,
): Promise<AddressRow> {
	return service.transaction(async (client) => {
		const changed = { ...(await findAddress(client, user_id, id, "FOR UPDATE")), ...change };
		const isPlaceChanged = change.country !== undefined || change.postal_code !== undefined;
		const message = isPlaceChanged && postalCodeError(changed.country, changed.postal_code);
		if (message) {
			throw problem("VALIDATION_FAILED", { errors: [{ path: "postal_code", message }] });
		}
		const { rows } = await client.query<AddressRow>(
			`UPDATE addresses SET recipient = $3, phone = $4, line1 = $5, line2 = $6, city = $7, province = $8,
				postal_code = $9, country = $10, updated_at = now()
			WHERE ${OF_USER} RETURNING ${COLUMNS}`,
			[user_id, id, ...valuesOf(changed)],
		);
		return found(rows);
	});
}

/**
 * @param isRepetition True if an attempt of the same request may have removed it already.
 * @throws ADDRESS_NOT_FOUND
 */
export async function removeAddress(
	pool: Pool,
	user_id: number,
	id: string,
	isRepetition: boolean,
): Promise<void> {
	const { rowCount } = await pool.query(`DELETE FROM addresses WHERE ${OF_USER}`, [user_id, id]);
	if (rowCount === 0 && !isRepetition) {
		throw problem("ADDRESS_NOT_FOUND");
	}
}

/** Converts a row to an address of the contract. */
export function presentAddress(row: AddressRow): z.input<typeof savedAddress> {
	const { id, recipient, phone, line1, line2, city, province, postal_code, country } = row;
	return {
		...{ id, recipient, phone, line1, line2, city, province, postal_code, country },
		created_at: row.created_at.toISOString(),
		updated_at: row.updated_at.toISOString(),
	};
}

function valuesOf({ recipient, phone, line1, line2, city, province, postal_code, country }: Address) {
	return [recipient, phone, line1, line2 ?? null, city, province, postal_code, country];
}

function found([row]: AddressRow[]): AddressRow {
	if (!row) {
		throw problem("ADDRESS_NOT_FOUND");
	}
	return row;
}
