import { expect, test } from "@jest/globals";
import "../../contracts/messages.ts";
import { users } from "../../contracts/users.ts";

const { updateMe, register } = users.actions;

test.each([
	["id", "id"],
	["in", "id"],
	["in-ID", "id"],
	["id_ID", "id"],
	["ID-id", "id"],
	["en-US", "en"],
	["en_GB.UTF-8", "en"],
])("the language of a device %j is the locale %j", (given, locale) => {
	const person = { email: "budi@toko.test", username: "budi", password: "rahasia-budi", full_name: "Budi" };
	expect(updateMe.params.parse({ locale: given })).toEqual({ locale });
	expect(register.params.parse({ ...person, locale: given })).toMatchObject({ locale });
});

test.each(["fr", "fr-ID", "", "indonesia", "x", 1, null, "*"])("%j is none of the shop's", (locale) => {
	const refusal = updateMe.params.safeParse({ locale });
	expect(refusal.error?.issues).toMatchObject([{ path: ["locale"], message: "must be one of id, en" }]);
});
