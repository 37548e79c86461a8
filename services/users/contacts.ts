import { Op } from "sequelize";
import type { ParamsOf, ResultOf } from "../../contracts/actions.ts";
import { emailsAt } from "./account.ts";
import { mailToken } from "./mail-tokens.ts";
import type { UserRow } from "./model.ts";
import type { UsersService } from "./service.ts";

type ContactRequest = ParamsOf<"v1.users.contact">;
type Contact = ResultOf<"v1.users.contact">;

/** Returns the contact data of users, in the order of the request; null for a user that does not exist. */
export async function contactsOf(
	{ model, pool }: Pick<UsersService, "model" | "pool">,
	requests: ContactRequest[],
): Promise<(Contact | null)[]> {
	const rows = await model.findAll({
		where: { id: { [Op.in]: [...new Set(requests.map(({ id }) => id))] } },
	});
	const users = new Map(rows.map((row) => [row.id, row]));
	const former = await emailsAt(
		pool,
		requests.map(({ id, at }) => ({ id, at: at ?? null })),
	);
	return requests.map((request, index) => {
		const row = users.get(request.id);
		return row ? contactOf(row, request, former[index] ?? row.email) : null;
	});
}

/** @param address The user's address at the requested time. */
function contactOf(row: UserRow, { token_for }: ContactRequest, address: string): Contact {
	const { full_name, locale, phone, pending_email } = row;
	const isUnneeded =
		(token_for === "verify" && row.is_verified) || (token_for === "change" && !pending_email);
	const token = token_for && !isUnneeded ? mailToken(token_for, row) : null;
	const email = (token_for === "change" && pending_email) || address;
	// Unknown for a former or a pending address.
	const is_verified = row.is_verified && email === row.email;
	return { email, is_verified, full_name, locale, phone, token };
}
