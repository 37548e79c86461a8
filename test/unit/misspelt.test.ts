import { expect, test } from "@jest/globals";
import { misspeltVariables } from "../../config/misspelt.ts";

test.each([
	["CURENCY", "CURRENCY"],
	["ODER_TTL_MINUTES", "ORDER_TTL_MINUTES"],
	["MAIL_FORM", "MAIL_FROM"],
	["CORS_ORIGIN", "CORS_ORIGINS"],
	["RATE_LIMITS", "RATE_LIMIT"],
	["PAYMENT_WEBHOOK_SECERT", "PAYMENT_WEBHOOK_SECRET"],
])("%s is told with %s", (name, right) => {
	expect(misspeltVariables({ [name]: "1" })).toEqual([[name, right]]);
	expect(misspeltVariables({ [name]: "1", [right]: "1" })).toEqual([]);
});

test.each([
	"MONGO_URI",
	"SERVICE",
	"LOGLEVEL",
	"TOKO_PORT",
	"TOKO_SERVICE_HOST",
	"HOME",
	"NODE_EXTRA_CA_CERTS",
])("%s, which others use, is not told", (name) => {
	expect(misspeltVariables({ [name]: "1" })).toEqual([]);
});
