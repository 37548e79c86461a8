import { afterEach, describe, expect, test } from "@jest/globals";
import { searchPath } from "../../config/node-env.mjs";
import {
	childEnvironment,
	completeSettings,
	deriveKey,
	readSettings,
	replaceSettings,
	settings,
} from "../../config/settings.ts";
import { streamConfig } from "../../events/envelope.ts";
import { setVariables } from "../variables.ts";

const before = settings.variables;

afterEach(() => {
	replaceSettings(before);
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
		["ORDER_TTL_MINUTES", "30m", /ORDER_TTL_MINUTES must be a number .*, such as 30, not "30m"/],
		["ORDER_TTL_MINUTES", "0x10", /ORDER_TTL_MINUTES must be a number/],
		["ORDER_TTL_MINUTES", "1.500", /ORDER_TTL_MINUTES is 1\.500, which can mean 1500 or 1\.5/],
		["KEEP_ALIVE_SECONDS", "75.000", /KEEP_ALIVE_SECONDS is 75\.000, which can mean 75000 or 75/],
		["ORDER_TTL_MINUTES", "0,5", /ORDER_TTL_MINUTES must be a number/],
		["ORDER_TTL_MINUTES", "1800000", /ORDER_TTL_MINUTES must be a number .* at most 525600/],
		["SHUTDOWN_SECONDS", "5000000", /SHUTDOWN_SECONDS must be a number .* at most 86400/],
		["SHUTDOWN_SECONDS", "5s", /SHUTDOWN_SECONDS must be a number/],
		["RATE_LIMIT", "off", /RATE_LIMIT must be a whole number .*, 0 for none, not "off"/],
		["PORT", "80a", /PORT must be a number/],
		["PORT", " 80", /PORT must be a number/],
		["HEALTH_PORT", "off", /HEALTH_PORT must be a number/],
		["HOST", "http://0.0.0.0", /HOST must be an address/],
		["LOG_LEVEL", "INFO", /LOG_LEVEL must be one of/],
		["TRUST_PROXY", "true", /TRUST_PROXY must be addresses/],
		["TRUST_PROXY", "1", /TRUST_PROXY must be addresses/],
		["TRUST_PROXY", "10.0.0.0/33", /TRUST_PROXY must be addresses/],
		["CURRENCY", "usd", /CURRENCY must be a code of ISO 4217 in capitals, such as IDR or USD, not "usd"/],
		["CURRENCY", "Rp", /CURRENCY must be a code/],
		["CURRENCY", "USDT", /CURRENCY must be a code/],
		["CURRENCY_DECIMALS", "two", /CURRENCY_DECIMALS must be a digit/],
		["TZ", "Asia/Jakrta", /TZ must be a time zone such as Asia\/Jakarta or UTC, .* not "Asia\/Jakrta"/],
		["TZ", "WIB", /TZ must be a time zone/],
		["TZ", "UTC+7", /TZ must be a time zone/],
		["TZ", ":/etc/localtime", /TZ must be a time zone/],
		["TZ", " ", /TZ must be a time zone/],
		["TOKO_DIR", "", /TOKO_DIR is empty: name a folder/],
		["TOKO_DIR", " ", /TOKO_DIR is empty/],
		["NODE_ENV", "prod", /NODE_ENV must be development, test, production or unset, not "prod"/],
		["NODE_ENV", "Production", /NODE_ENV must be .* not "Production"/],
		["NODE_ENV", " production", /NODE_ENV must be .* not " production"/],
	])("%s=%s", (name, value, expected) => {
		expect(() => readSettings({ [name]: value })).toThrow(expected);
	});
});

test.each(["loopback", "10.0.0.0/8, 192.0.2.7", "::1", "fd00::/8"])("proxies may be %s", (proxies) => {
	expect(() => readSettings({ TRUST_PROXY: proxies })).not.toThrow();
});

test.each(["Asia/Jakarta", ":Asia/Jakarta", "asia/jakarta", "UTC", "+07:00", ""])("TZ may be %j", (zone) => {
	expect(() => readSettings({ TZ: zone })).not.toThrow();
});

test.each([
	[undefined, false],
	["", false],
	["development", false],
	["test", false],
	["production", true],
])("NODE_ENV %s is production: %s", (value, isProduction) => {
	expect(readSettings({ NODE_ENV: value }).isProduction).toBe(isProduction);
});

test("an order's time can be a fraction of a minute", () => {
	expect(readSettings({ ORDER_TTL_MINUTES: "0.05" }).orderTtlMinutes).toBe(0.05);
});

test("events are kept on as many servers as are named, on one where none are", () => {
	setVariables({ EVENT_REPLICAS: undefined });
	expect(streamConfig().num_replicas).toBe(1);
	setVariables({ EVENT_REPLICAS: "3" });
	expect(streamConfig().num_replicas).toBe(3);
});

test("keys for different purposes have nothing in common, and depend on the secret", () => {
	setVariables({ TOKO_SECRET: "one" });
	const [first, other] = [deriveKey("a"), deriveKey("b")];
	expect(first).toHaveLength(32);
	expect(first.equals(other)).toBe(false);
	expect(deriveKey("a").equals(first)).toBe(true);
	setVariables({ TOKO_SECRET: "two" });
	expect(deriveKey("a").equals(first)).toBe(false);
});

test("a key without the secret is refused, naming it", () => {
	setVariables({ TOKO_SECRET: undefined });
	expect(() => deriveKey("a")).toThrow(/TOKO_SECRET is not set/);
});

test("the settings of a process cannot be changed, also not by its environment", () => {
	expect(() => Object.assign(settings, { port: 1 })).toThrow(TypeError);
	expect(() => Object.assign(settings.variables, { PORT: "1" })).toThrow(TypeError);
	expect(() => (settings.trustProxy as string[]).push("loopback")).toThrow(TypeError);
});

test("a start adds what it has found, and refuses what contradicts it", () => {
	replaceSettings({ NATS_URL: "nats://given:4222", PORT: "4000" });
	expect(() => settings.postgresUrl).toThrow("POSTGRES_URL is not set: start the shop with `npm start`");
	completeSettings({ POSTGRES_URL: "postgres://toko@found/postgres", NATS_URL: "nats://given:4222" });
	expect(settings).toMatchObject({ postgresUrl: "postgres://toko@found/postgres", port: 4000 });
	expect(() => completeSettings({ NATS_URL: "nats://other:4222" })).toThrow(/^NATS_URL is set already/);
	expect(settings.natsUrl).toBe("nats://given:4222");
});

test("a child process gets the settings of its parent, not its parent's environment", () => {
	replaceSettings({ PORT: "4000", TOKO_SECRET: "found" });
	const environment = childEnvironment({ HEALTH_PORT: "1" });
	expect(environment).toMatchObject({
		PORT: "4000",
		TOKO_SECRET: "found",
		HEALTH_PORT: "1",
		PATH: searchPath,
	});
	expect(environment).not.toHaveProperty("NODE_ENV");
});
