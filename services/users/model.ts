import type { ServiceSchema } from "moleculer";
import SequelizeAdapter from "moleculer-db-adapter-sequelize";
import pg from "pg";
import { col, DataTypes, fn, type Model, type ModelStatic, Sequelize, where } from "sequelize";
import type { z } from "zod";
import { databaseUrl } from "../../config/settings.ts";
import { fold } from "../../contracts/email.ts";
import type { locale, ownUser, role, user } from "../../contracts/user-schemas.ts";
import { PostgresClient } from "../../database/postgres-client.ts";

/** The columns of `users`. */
export interface UserAttributes {
	id: number;
	email: string;
	username: string;
	password_hash: string;
	full_name: string;
	role: z.output<typeof role>;
	locale: z.output<typeof locale>;
	phone: string | null;
	is_active: boolean;
	is_verified: boolean;
	created_at: Date;
	updated_at: Date;
	deleted_at: Date | null;
	session_version: number;
	pending_email: string | null;
	/** Ids of the requests that registered and deleted the user, if they had an `Idempotency-Key`. */
	registered_by: string | null;
	deleted_by: string | null;
}

export type UserRow = Model<UserAttributes, Partial<UserAttributes>> & UserAttributes;
export type UserModel = ModelStatic<UserRow>;

/** A connection of Sequelize, with Sequelize's type parsers and otherwise the shared settings. */
class UsersClient extends PostgresClient {
	constructor({ types }: pg.ClientConfig) {
		super({
			connectionString: databaseUrl("users"),
			application_name: "toko users",
			...(types ? { types } : {}),
		});
	}
}

/** Sequelize, whose errors do not contain the values of their statement: a log would show hashes of passwords. */
class UsersDatabase extends Sequelize {
	override query = (async (...statement: Parameters<Sequelize["query"]>) => {
		try {
			return await super.query(...statement);
		} catch (error) {
			removeValues(error);
			throw error;
		}
	}) as Sequelize["query"];
}

function removeValues(error: unknown): void {
	for (const each of [error, (error as { parent?: unknown }).parent]) {
		for (const name of ["sql", "parameters", "errors", "fields", "detail"]) {
			Reflect.deleteProperty(Object(each), name);
		}
	}
}

/**
 * Gives a users service its own connection and its model. Because the model is complete, the adapter never calls
 * `sync()`.
 */
export function connectUsers(schema: ServiceSchema): void {
	const sequelize = new UsersDatabase({
		dialect: "postgres",
		dialectModule: { ...pg, Client: UsersClient },
		logging: false,
		pool: { max: 10 },
	});
	const model = sequelize.define<UserRow>(
		"user",
		{
			id: { type: DataTypes.INTEGER, primaryKey: true, autoIncrement: true },
			email: DataTypes.STRING(255),
			username: DataTypes.STRING(100),
			password_hash: DataTypes.TEXT,
			full_name: DataTypes.STRING(200),
			role: { type: DataTypes.TEXT, defaultValue: "user" },
			locale: { type: DataTypes.TEXT, defaultValue: "id" },
			phone: DataTypes.TEXT,
			is_active: { type: DataTypes.BOOLEAN, defaultValue: true },
			is_verified: { type: DataTypes.BOOLEAN, defaultValue: false },
			created_at: DataTypes.DATE,
			updated_at: DataTypes.DATE,
			deleted_at: DataTypes.DATE,
			session_version: DataTypes.INTEGER,
			pending_email: DataTypes.STRING(255),
			registered_by: DataTypes.TEXT,
			deleted_by: DataTypes.TEXT,
		},
		{
			tableName: "users",
			createdAt: "created_at",
			updatedAt: "updated_at",
			// Rows of deleted users are hidden.
			paranoid: true,
			deletedAt: "deleted_at",
		},
	);
	Object.assign(schema, { adapter: new SequelizeAdapter(sequelize), model });
}

/** Returns a condition that matches an address case-insensitively. */
export function byEmail(email: string) {
	return where(fn("fold", col("email")), fold(email));
}

/** Returns a condition that matches a username case-insensitively. */
export function byUsername(username: string) {
	return where(fn("fold", col("username")), fold(username));
}

/** Converts a row to a user of the contract. */
export function present(row: UserRow): z.input<typeof user> {
	return {
		id: row.id,
		email: row.email,
		username: row.username,
		full_name: row.full_name,
		role: row.role,
		is_active: row.is_active,
		is_verified: row.is_verified,
		created_at: row.created_at.toISOString(),
	};
}

/** Converts a row to a user of the contract, with the fields that only the user sees. */
export function presentToOwner(row: UserRow): z.input<typeof ownUser> {
	return { ...present(row), locale: row.locale, phone: row.phone };
}
