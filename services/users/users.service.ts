import { Op } from "sequelize";
import { service } from "../../broker/schema.ts";
import { type ActionContext, implement } from "../../contracts/actions.ts";
import { problem } from "../../contracts/problems.ts";
import { ACCESS_SECONDS, users } from "../../contracts/users.ts";
import { cursorAt, readId } from "../../database/page-cursor.ts";
import { consistentWithOthers, eventsKnown, lostEventTables, streamKnown } from "../../mixins/consistency.ts";
import { database } from "../../mixins/database.ts";
import { jobs } from "../../mixins/jobs.ts";
import { outbox, outboxFunctions, outboxTables, pendingWork } from "../../mixins/outbox.ts";
import { postgres } from "../../mixins/postgres.ts";
import { pruneAll } from "../../mixins/pruning.ts";
import {
	changePassword,
	changePrivileges,
	confirmEmail,
	removeUser,
	requestEmailChange,
	resetPassword,
} from "./account.ts";
import {
	addAddress,
	findAddress,
	listAddresses,
	presentAddress,
	removeAddress,
	updateAddress,
} from "./addresses.ts";
import { ensureAdmin, makeAdmin } from "./admins.ts";
import { usersConsistent } from "./consistency.ts";
import { contactsOf } from "./contacts.ts";
import { isPasswordOf } from "./credentials.ts";
import { warnOfDuplicates } from "./duplicates.ts";
import { erasureTasks, propagateDeletion } from "./erasure.ts";
import { LoginGuard } from "./login-guard.ts";
import { type MailRequest, queueMailRequest, requestMail } from "./mail-requests.ts";
import { byEmail, connectUsers, present, presentToOwner } from "./model.ts";
import { pruneAttempts, pruneFormerEmails, pruneKeys, pruneMailRequests, pruneTokens } from "./prune.ts";
import { registerOnce } from "./registration.ts";
import type { Tokens, UsersService } from "./service.ts";
import { endingSessions, listRevocations } from "./sessions.ts";
import { endFamily, exchangeRefreshToken, type Holder, issueRefreshToken, TokenSigner } from "./tokens.ts";

/** Rows that a job deletes once an hour. */
const PRUNES = [pruneTokens, pruneKeys, pruneAttempts, pruneFormerEmails, pruneMailRequests];

export default service<UsersService>({
	name: users.name,
	version: users.version,
	mixins: [
		database,
		outbox("users"),
		jobs("users"),
		consistentWithOthers<UsersService>(
			["ensureAdmin", "outbox"],
			[streamKnown("user"), usersConsistent, eventsKnown("user")],
		),
		postgres({
			database: "users",
			migrations: new URL("./migrations/", import.meta.url),
			functions: [new URL("./functions/", import.meta.url), outboxFunctions],
			tables: [...outboxTables, lostEventTables],
		}),
	],

	actions: implement<UsersService>()(users, {
		async register(ctx) {
			const { password, ...person } = ctx.params;
			await this.guard.register(ctx.meta.client);
			const row = await registerOnce(this, person, password, ctx.locals.key_id);
			return present(row);
		},

		async login(ctx) {
			const { email, password } = ctx.params;
			const row = await this.model.findOne({ where: byEmail(email) });
			// An inactive account is treated like one that does not exist.
			const isRight = await isPasswordOf(this, ctx, email, row?.is_active ? row : null, password);
			const refresh_token = row && isRight && (await issueRefreshToken(this.pool, row));
			if (!refresh_token) {
				throw problem("BAD_CREDENTIALS");
			}
			return this.session(row, refresh_token);
		},

		async refresh(ctx) {
			const next = await exchangeRefreshToken(this.pool, ctx.params.refresh_token);
			if (!next) {
				throw problem("TOKEN_INVALID");
			}
			return this.session(next.holder, next.refresh_token);
		},

		async logout(ctx) {
			await endFamily(this.pool, ctx.params.refresh_token);
			return { message: "Logged out" };
		},

		async logoutAll(ctx) {
			const { id } = await this.caller(ctx);
			await endingSessions(this, (_, endSessions) => endSessions(id));
			return { message: "Logged out everywhere" };
		},

		async verify(ctx) {
			return present(await this.caller(ctx));
		},

		async verifyEmail(ctx) {
			const { token, email } = ctx.params;
			if (token !== undefined) {
				await confirmEmail(this, token);
				return { message: "The address is verified" };
			}
			await queueMailRequest(this.pool, "user.verification_requested", email as string);
			return { message: "If this is the address of an account that is not verified, a mail is on its way" };
		},

		async forgotPassword(ctx) {
			await queueMailRequest(this.pool, "user.password_reset_requested", ctx.params.email);
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
			const user = await this.caller(ctx);
			if (Object.keys(ctx.params).length === 0) {
				return presentToOwner(user);
			}
			const [, [row]] = await this.model.update(ctx.params, {
				where: { id: user.id, deleted_at: null },
				returning: true,
			});
			if (!row) {
				throw problem("TOKEN_INVALID");
			}
			return presentToOwner(row);
		},

		async changePassword(ctx) {
			const { current_password, new_password } = ctx.params;
			const row = await this.checkPassword(ctx, current_password);
			const { holder, refresh_token } = await changePassword(this, row, new_password);
			return this.session(holder, refresh_token);
		},

		async changeEmail(ctx) {
			const { current_password, new_email } = ctx.params;
			const row = await this.checkPassword(ctx, current_password);
			await requestEmailChange(this, row, new_email);
			return { message: "If nobody has this address yet, a mail to it is on its way" };
		},

		async listAddresses(ctx) {
			const { id: user_id } = await this.caller(ctx);
			return (await listAddresses(this.pool, user_id, ctx.params)).map(presentAddress);
		},

		async getAddress(ctx) {
			const { id: user_id } = await this.caller(ctx);
			return presentAddress(await findAddress(this.pool, user_id, ctx.params.id));
		},

		async addAddress(ctx) {
			const { id: user_id } = await this.caller(ctx);
			return presentAddress(await addAddress(this, user_id, ctx.params, ctx.locals.key_id));
		},

		async updateAddress(ctx) {
			const { id: user_id } = await this.caller(ctx);
			const { id, ...change } = ctx.params;
			return presentAddress(await updateAddress(this, user_id, id, change));
		},

		async removeAddress(ctx) {
			const { id: user_id } = await this.caller(ctx);
			await removeAddress(this.pool, user_id, ctx.params.id, ctx.locals.is_repetition ?? false);
			return null;
		},

		async addressOf(ctx) {
			const { user_id, id } = ctx.params;
			return presentAddress(await findAddress(this.pool, user_id, id));
		},

		async get(ctx) {
			const { caller } = ctx.locals;
			if (caller?.role === "user" && caller.id !== ctx.params.id) {
				throw problem("USER_NOT_FOUND");
			}
			return present(await this.find(ctx.params.id));
		},

		async update(ctx) {
			const { id, ...privileges } = ctx.params;
			await changePrivileges(this, id, privileges);
			return present(await this.find(id));
		},

		async remove(ctx) {
			const { caller } = ctx.locals;
			if (caller?.role === "user" && caller.id !== ctx.params.id) {
				throw problem("USER_NOT_FOUND");
			}
			await removeUser(this, ctx.params.id, ctx.locals.key_id);
			await propagateDeletion(this, ctx.params.id);
			return null;
		},

		async list(ctx) {
			const { skip, limit, cursor } = ctx.params;
			const after = cursor === undefined ? 0 : readId("users", cursor);
			const rows = await this.model.findAll({
				where: { id: { [Op.gt]: after } },
				order: [["id", "ASC"]],
				offset: skip,
				limit,
			});
			const last = rows[limit - 1];
			return { items: rows.map(present), next: last ? cursorAt("users", String(last.id)) : null };
		},

		async jwks() {
			return { keys: await this.signer.publicKeys() };
		},

		revocations() {
			return listRevocations(this.pool);
		},

		async rotateKey(ctx) {
			return { kid: await this.signer.addKey(ctx.params.revoke) };
		},

		async contact(ctx) {
			const [contact] = await contactsOf(this, [ctx.params]);
			if (!contact) {
				throw problem("USER_NOT_FOUND");
			}
			return contact;
		},

		contacts(ctx) {
			return contactsOf(this, ctx.params.of);
		},

		ensureAdmin(ctx) {
			return ensureAdmin(this, ctx.params);
		},

		makeAdmin(ctx) {
			return makeAdmin(this, ctx.params);
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
			return pendingWork(this.pool);
		},

		async health() {
			await this.checkOutbox();
			return { status: "healthy", service: "user-service" };
		},
	}),

	methods: {
		async find(this: UsersService, id: number) {
			const row = await this.model.findByPk(id);
			if (!row) {
				throw problem("USER_NOT_FOUND");
			}
			return row;
		},

		/** Returns the calling user, whose account must exist and be active. */
		async caller(this: UsersService, ctx: ActionContext) {
			const { caller } = ctx.locals;
			const row = caller?.id == null ? null : await this.model.findByPk(caller.id);
			if (caller?.id == null) {
				throw problem("FORBIDDEN");
			}
			if (!row?.is_active || row.session_version > caller.session_version) {
				throw problem("TOKEN_INVALID");
			}
			return row;
		},

		/** Returns the calling user after checking the password. */
		async checkPassword(this: UsersService, ctx: ActionContext, password: string) {
			const row = await this.caller(ctx);
			if (!(await isPasswordOf(this, ctx, row.email, row, password))) {
				throw problem("WRONG_PASSWORD");
			}
			return row;
		},

		async session(this: UsersService, holder: Holder, refresh_token: string): Promise<Tokens> {
			return {
				access_token: await this.signer.sign(holder),
				token_type: "bearer",
				expires_in: ACCESS_SECONDS,
				refresh_token,
			};
		},
	},

	merged: connectUsers,

	created() {
		this.addTasks({
			forget_old_tokens: (_, { abortSignal }) => pruneAll(this.pool, PRUNES, abortSignal),
			...erasureTasks(this),
			request_mail: (payload) => {
				const { event, email } = payload as { event: MailRequest; email: string };
				return requestMail(this, event, email);
			},
		});
		this.addCron("41 * * * * forget_old_tokens");
	},

	async started() {
		this.guard = new LoginGuard();
		this.signer = new TokenSigner(this.pool);
		await this.signer.ensureKey();
		await warnOfDuplicates(this);
	},

	async stopped() {
		await this.guard?.close();
	},
});
