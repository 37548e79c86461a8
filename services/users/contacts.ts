import { Op } from "sequelize";
import type { ParamsOf, ResultOf } from "../../contracts/actions.ts";
import { emailsAt } from "./account.ts";
import { mailToken } from "./mail-tokens.ts";
import type { UserRow } from "./model.ts";
import type { UsersService } from "./service.ts";

type Asked = ParamsOf<"v1.users.contact">;
type Contact = ResultOf<"v1.users.contact">;

/** Where users get messages, in the order in which they are asked for; null where there is no such user. */
export async function contactsOf(
	{ model, pool }: Pick<UsersService, "model" | "pool">,
	asked: Asked[],
): Promise<(Contact | null)[]> {
	const rows = await model.findAll({ where: { id: { [Op.in]: [...new Set(asked.map(({ id }) => id))] } } });
	const users = new Map(rows.map((row) => [row.id, row]));
	const former = await emailsAt(
		pool,
		asked.map(({ id, at }) => ({ id, at: at ?? null })),
	);
	return asked.map((one, index) => {
		const row = users.get(one.id);
		return row ? contactOf(row, one, former[index] ?? row.email) : null;
	});
}

/** @param own The address that was the user's own at the moment that is asked for. */
function contactOf(row: UserRow, { token_for }: Asked, own: string): Contact {
	const { full_name, locale, phone, pending_email } = row;
	const isInVain = (token_for === "verify" && row.is_verified) || (token_for === "change" && !pending_email);
	const token = token_for && !isInVain ? mailToken(token_for, row) : null;
	const email = (token_for === "change" && pending_email) || own;
	// Of a former or a pending one it is not known.
	const is_verified = row.is_verified && email === row.email;
	return { email, is_verified, full_name, locale, phone, token };
}
