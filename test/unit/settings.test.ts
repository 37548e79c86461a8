import { afterEach, describe, expect, test } from "@jest/globals";
import { streamConfig } from "../../mixins/events.ts";
import { checkSettings, deriveKey, settings } from "../../mixins/settings.ts";

const before = { ...process.env };

afterEach(() => {
	process.env = { ...before };
});

describe("a setting that is wrong is named, with what it has to be", () => {
	test.each([
		["PORT", "70000", /PORT must be a number from 0 to 65535/],
		["KEEP_ALIVE_SECONDS", "0", /KEEP_ALIVE_SECONDS must be a number above 0/],
		["RATE_LIMIT", "-1", /RATE_LIMIT must be a whole number/],
		["LOG_LEVEL", "verbose", /LOG_LEVEL must be one of fatal, error/],
		["TOKO_NAMESPACE", "my.shop", /TOKO_NAMESPACE must be a short name/],
		["SMS_URL", "sms.example/send", /SMS_URL must be an address such as https:/],
		["SMTP_URL", "mail.example:25", /SMTP_URL must be an address such as smtp:/],
		["SMTP_URL", "smtp://", /SMTP_URL must be an address/],
		["SMS_URL", "http://user:pa%ss@127.0.0.1/x", /SMS_URL must be an address .* encoded/],
		["MAIL_FROM", "toko", /MAIL_FROM must be an address/],
		["CORS_ORIGINS", "*", /CORS_ORIGINS must be origins/],
		["CORS_ORIGINS", "https://shop.example/path", /CORS_ORIGINS must be origins/],
		["TRUST_PROXY", "everybody", /TRUST_PROXY must be addresses or networks/],
		["SHOP_URL", "javascript:alert(1)", /SHOP_URL must be an address such as https:/],
		["EVENT_REPLICAS", "2", /EVENT_REPLICAS must be 1, 3 or 5, not "2"/],
		["ORDER_TTL_MINUTES", "0", /ORDER_TTL_MINUTES must be a number above 0/],
	])("%s=%s", (name, value, expected) => {
		process.env[name] = value;
		expect(checkSettings).toThrow(expected);
	});
});

test("an order's time can be a fraction of a minute", () => {
	process.env.ORDER_TTL_MINUTES = "0.05";
	expect(settings.orderTtlMinutes).toBe(0.05);
});

test("events are kept on as many servers as are named, on one where none are", () => {
	delete process.env.EVENT_REPLICAS;
	expect(streamConfig().num_replicas).toBe(1);
	process.env.EVENT_REPLICAS = "3";
	expect(streamConfig().num_replicas).toBe(3);
});

test("keys for different purposes have nothing in common, and depend on the secret", () => {
	process.env.TOKO_SECRET = "one";
	const [first, other] = [deriveKey("a"), deriveKey("b")];
	expect(first).toHaveLength(32);
	expect(first.equals(other)).toBe(false);
	expect(deriveKey("a").equals(first)).toBe(true);
	process.env.TOKO_SECRET = "two";
	expect(deriveKey("a").equals(first)).toBe(false);
});

test("a key without the secret is refused, naming it", () => {
	delete process.env.TOKO_SECRET;
	expect(() => deriveKey("a")).toThrow(/TOKO_SECRET is not set/);
});
