import { z } from "zod";
import { integerId, moment } from "./fields.ts";
import { languageOf } from "./languages.ts";
import { phone } from "./phone.ts";
import { comparable } from "./text.ts";

/** Role of a user. An `admin` may do whatever a shopkeeper does; everyone else is a `user`. */
export const role = z.enum(["user", "admin"]).meta({ id: "Role" });

/** A user in the API. The password's hash never leaves the service. */
export const user = z
	.strictObject({
		id: integerId,
		email: z.string(),
		username: z.string(),
		full_name: z.string(),
		role,
		is_active: z.boolean(),
		is_verified: z.boolean(),
		created_at: moment,
	})
	.meta({
		id: "User",
		examples: [
			{
				id: 7,
				email: "budi@toko.test",
				username: "budi",
				full_name: "Budi Santoso",
				role: "user",
				is_active: true,
				is_verified: false,
				created_at: "2026-11-23T08:00:00.000Z",
			},
		],
	});

/** Language of the messages to a user. */
export const locale = z.enum(["id", "en"]).meta({ id: "Locale" });

/** A language in a request: also the tag of a device, such as `in-ID` or `en_US`. */
export const givenLocale = z.preprocess(
	(value) => (typeof value === "string" ? (languageOf(value) ?? value) : value),
	locale,
) as z.ZodType<z.output<typeof locale>, z.output<typeof locale>>;

/** A user's own account. */
export const ownUser = z.strictObject({ ...user.shape, locale, phone: phone.nullable() }).meta({
	id: "OwnUser",
	examples: [
		{
			id: 7,
			email: "budi@toko.test",
			username: "budi",
			full_name: "Budi Santoso",
			role: "user",
			is_active: true,
			is_verified: false,
			created_at: "2026-11-23T08:00:00.000Z",
			locale: "id",
			phone: "+6281234567890",
		},
	],
});

export const username = z
	.string()
	.overwrite(comparable)
	.regex(
		/^[A-Za-z0-9][A-Za-z0-9._-]{2,99}$/,
		"must be 3 to 100 letters, digits, dots, underscores or hyphens",
	);

/** Response to a login; `expires_in` in seconds. */
export const tokens = z
	.strictObject({
		access_token: z.string(),
		token_type: z.literal("bearer"),
		expires_in: z.int(),
		refresh_token: z.string(),
	})
	.meta({
		id: "Tokens",
		examples: [
			{
				access_token: "eyJhbGciOiJFZERTQSJ9.e30.c2ln",
				token_type: "bearer",
				expires_in: 900,
				refresh_token: "NmQ0ZjE3YzktM2E1Ni00ZGQ4LWI2MTE",
			},
		],
	});
