import { randomBytes } from "node:crypto";
import { type Sequelize, type Transaction, UniqueConstraintError } from "sequelize";
import { type ActionContext, callAction, implement } from "../../contracts/actions.ts";
import { problem, problemCode } from "../../contracts/problems.ts";
import { users } from "../../contracts/users.ts";
import { database } from "../../mixins/database.ts";
import { type JobsService, jobs, pendingJobs } from "../../mixins/jobs.ts";
import { outbox, outboxTables, publish } from "../../mixins/outbox.ts";
import { postgres } from "../../mixins/postgres.ts";
import { service } from "../../mixins/schema.ts";
import {
	askForMail,
	type MailRequest,
	removeUser,
	requestMail,
	resetPassword,
	verifyEmail,
} from "./account.ts";
import { mailToken } from "./mail-tokens.ts";
import {
	byEmail,
	connectUsers,
	present,
	presentToOwner,
	type UserAttributes,
	type UserModel,
	type UserRow,
} from "./model.ts";
import { hashPassword, passwordMatches } from "./passwords.ts";
import {
	ACCESS_SECONDS,
	endFamily,
	exchangeRefreshToken,
	forgetOldTokens,
	issueRefreshToken,
	TokenSigner,
} from "./tokens.ts";

interface UsersService extends JobsService {
	adapter: { db: Sequelize };
	model: UserModel;
	signer: TokenSigner;
	add(attributes: Partial<UserAttributes>): Promise<UserRow>;
	find(id: number): Promise<UserRow>;
	caller(ctx: ActionContext): Promise<UserRow>;
	session(row: UserRow, refresh_token: string): Promise<Tokens>;
}

type Tokens = { access_token: string; token_type: "bearer"; expires_in: number; refresh_token: string };

export default service<UsersService>({
	name: users.name,
	version: users.version,
	mixins: [
		database,
		outbox(),
		jobs("users"),
		postgres({
			database: "users",
			migrations: new URL("./migrations/", import.meta.url),
			tables: [outboxTables],
		}),
	],

	actions: implement<UsersService>()(users, {
		async register(ctx) {
			const { password, ...person } = ctx.params;
			const row = await this.add({ ...person, password_hash: await hashPassword(password) });
			ctx.meta.$location = `/api/v1/users/${row.id}`;
			return present(row);
		},

		async login(ctx) {
			const row = await this.model.findOne({ where: byEmail(ctx.params.email) });
			const matches = await passwordMatches(row?.password_hash, ctx.params.password);
			if (!row || !matches || !row.is_active) {
				throw problem("BAD_CREDENTIALS");
			}
			return this.session(row, await issueRefreshToken(this.pool, row.id));
		},

		async refresh(ctx) {
			const next = await exchangeRefreshToken(this.pool, ctx.params.refresh_token);
			const row = next && (await this.model.findByPk(next.user_id));
			if (!next || !row?.is_active) {
				throw problem("TOKEN_INVALID");
			}
			return this.session(row, next.refresh_token);
		},

		async logout(ctx) {
			await endFamily(this.pool, ctx.params.refresh_token);
			return { message: "Logged out" };
		},

		async verify(ctx) {
			return present(await this.caller(ctx));
		},

		async verifyEmail(ctx) {
			const { token, email } = ctx.params;
			if (token !== undefined) {
				await verifyEmail(this, token);
				return { message: "The address is verified" };
			}
			await askForMail(this.pool, "user.verification_requested", email as string);
			ctx.meta.$statusCode = 202;
			return { message: "If this is the address of an account that is not verified, a mail is on its way" };
		},

		async forgotPassword(ctx) {
			await askForMail(this.pool, "user.password_reset_requested", ctx.params.email);
			return { message: "If this is the address of an account, a mail is on its way" };
		},

		async resetPassword(ctx) {
			await resetPassword(this, ctx.params.token, ctx.params.new_password);
			return { message: "The password is changed: log in with it" };
		},

		async me(ctx) {
			return presentToOwner(await this.caller(ctx));
		},

		async updateMe(ctx) {
			const row = await this.caller(ctx);
			await row.update(ctx.params);
			return presentToOwner(row);
		},

		async get(ctx) {
			const { caller } = ctx.locals;
			if (caller?.role === "user" && caller.id !== ctx.params.id) {
				throw problem("USER_NOT_FOUND");
			}
			return present(await this.find(ctx.params.id));
		},

		async remove(ctx) {
			const { caller } = ctx.locals;
			if (caller?.role === "user" && caller.id !== ctx.params.id) {
				throw problem("USER_NOT_FOUND");
			}
			await removeUser(this, ctx.params.id);
			return null;
		},

		async list(ctx) {
			const rows = await this.model.findAll({
				order: [["id", "ASC"]],
				offset: ctx.params.skip,
				limit: ctx.params.limit,
			});
			return rows.map(present);
		},

		async jwks() {
			return { keys: await this.signer.publicKeys() };
		},

		async contact(ctx) {
			const { id, token_for } = ctx.params;
			const row = await this.find(id);
			const { email, full_name, locale, phone } = row;
			const isInVain = token_for === "verify" && row.is_verified;
			const token = token_for && !isInVain ? mailToken(token_for, row) : null;
			return { email, full_name, locale, phone, token };
		},

		async ensureAdmin(ctx) {
			const { email, password } = ctx.params;
			const firstAdmin = () => this.model.findOne({ where: { role: "admin" }, order: [["id", "ASC"]] });
			const existing = await firstAdmin();
			if (existing) {
				return { created: false, email: existing.email };
			}
			const admin = { email, full_name: "Admin", role: "admin", is_verified: true } as const;
			const password_hash = await hashPassword(password);
			// A customer may have that name.
			for (const username of ["admin", `admin-${randomBytes(4).toString("hex")}`]) {
				try {
					const row = await this.add({ ...admin, username, password_hash });
					return { created: true, email: row.email };
				} catch (error) {
					// Another process that started at the same moment may have been first.
					const rival = await firstAdmin();
					if (rival) {
						return { created: false, email: rival.email };
					}
					if (problemCode(error) !== "USERNAME_TAKEN") {
						throw error;
					}
				}
			}
			throw problem("USERNAME_TAKEN");
		},

		async impersonate(ctx) {
			const row = await this.model.findOne({ where: byEmail(ctx.params.email) });
			if (!row) {
				throw problem("USER_NOT_FOUND");
			}
			this.logger.warn(`The operator acts as user ${row.id}`);
			return { user: present(row), access_token: await this.signer.sign(row) };
		},

		outbox() {
			return pendingJobs(this.pool);
		},

		async health() {
			await this.pool.query("SELECT 1");
			return { status: "healthy", service: "user-service" };
		},
	}),

	methods: {
		/** Adds a user and tells the other services, in one transaction. */
		async add(this: UsersService, attributes: Partial<UserAttributes>) {
			try {
				return await this.adapter.db.transaction(async (transaction: Transaction) => {
					const row = await this.model.create(attributes, { transaction });
					const query = (sql: string, bind: unknown[]) => this.adapter.db.query(sql, { bind, transaction });
					await publish({ query }, "user.registered", `user:${row.id}`, { user_id: row.id });
					return row;
				});
			} catch (error) {
				if (error instanceof UniqueConstraintError) {
					const { constraint } = error.parent as unknown as { constraint?: string };
					throw problem(constraint === "users_email" ? "EMAIL_TAKEN" : "USERNAME_TAKEN");
				}
				throw error;
			}
		},

		async find(this: UsersService, id: number) {
			const row = await this.model.findByPk(id);
			if (!row) {
				throw problem("USER_NOT_FOUND");
			}
			return row;
		},

		/** Who calls, with an account that is still there and active. */
		async caller(this: UsersService, ctx: ActionContext) {
			const { caller } = ctx.locals;
			const row = caller?.id == null ? null : await this.model.findByPk(caller.id);
			if (!row?.is_active) {
				throw problem(caller?.id == null ? "FORBIDDEN" : "TOKEN_INVALID");
			}
			return row;
		},

		async session(this: UsersService, row: UserRow, refresh_token: string): Promise<Tokens> {
			return {
				access_token: await this.signer.sign(row),
				token_type: "bearer",
				expires_in: ACCESS_SECONDS,
				refresh_token,
			};
		},
	},

	merged: connectUsers,

	created() {
		this.addTasks({
			forget_old_tokens: () => forgetOldTokens(this.pool),
			forget_orders: async (payload) => {
				const { user_id } = payload as { user_id: number };
				await callAction(this.broker, "v1.orders.forgetUser", { user_id });
			},
			request_mail: (payload) => {
				const { event, email } = payload as { event: MailRequest; email: string };
				return requestMail(this, event, email);
			},
		});
		this.addCron("41 * * * * forget_old_tokens");
	},

	async started() {
		this.signer = new TokenSigner(this.pool);
		await this.signer.ensureKey();
	},
});
