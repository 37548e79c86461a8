import type { Sequelize } from "sequelize";
import type { ActionContext } from "../../contracts/actions.ts";
import type { OutboxService } from "../../mixins/outbox.ts";
import type { LoginGuard } from "./login-guard.ts";
import type { UserModel, UserRow } from "./model.ts";
import type { Holder, TokenSigner } from "./tokens.ts";

export interface UsersService extends OutboxService {
	adapter: { db: Sequelize };
	model: UserModel;
	signer: TokenSigner;
	guard: LoginGuard;
	find(id: number): Promise<UserRow>;
	caller(ctx: ActionContext): Promise<UserRow>;
	checkPassword(ctx: ActionContext, password: string): Promise<UserRow>;
	session(holder: Holder, refresh_token: string): Promise<Tokens>;
}

export type Tokens = {
	access_token: string;
	token_type: "bearer";
	expires_in: number;
	refresh_token: string;
};
