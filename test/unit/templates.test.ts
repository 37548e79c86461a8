import { appendFile, cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, test } from "@jest/globals";
import type { EventName } from "../../contracts/actions.ts";
import { LOCALES, MESSAGES } from "../../services/notifications/messages.ts";
import { Templates } from "../../services/notifications/templates.ts";

const templates = new Templates();

beforeAll(() => templates.load());

describe.each(LOCALES)("in %s", (locale) => {
	test.each(Object.entries(MESSAGES))(
		"%s has a message with a subject, HTML and text",
		async (name, message) => {
			const reader = { name: "Budi", locale, token: "secret" };
			const written = await templates.write("email", name as EventName, reader, message.example);
			expect(written.subject).toMatch(/\w+/);
			expect(written.html).toContain(`<html lang="${locale}">`);
			expect(written.text).toMatch(/Budi,/);
			expect(written.text).not.toMatch(/[<>{}]/);
		},
	);
});

const budi = { name: "Budi", locale: "id", token: null } as const;
const placed = MESSAGES["order.placed"].example;

test("amounts are written as in Indonesia", async () => {
	const { html, text } = await templates.write("email", "order.placed", budi, placed);
	expect(html).toContain("Rp 1.250.000");
	expect(text).toMatch(/Total +Rp 1\.250\.000/);
});

test.each([
	["user.registered", "verify-email"],
	["user.verification_requested", "verify-email"],
	["user.password_reset_requested", "reset-password"],
] as const)(
	"%s links to the shop's page where there is one, and else shows the token",
	async (event, page) => {
		const write = () => templates.write("email", event, { ...budi, token: "se.cret" }, { user_id: 1 });
		expect((await write()).text).toMatch(/^se\.cret$/m);
		process.env.SHOP_URL = "https://shop.example/";
		const linked = await write();
		delete process.env.SHOP_URL;
		expect(linked.html).toContain(`href="https://shop.example/${page}?token=se.cret"`);
		expect(linked.text).toContain(`https://shop.example/${page}?token=se.cret`);
	},
);

test("what has a text beside its mail goes as an SMS too, in both languages", async () => {
	expect(templates.hasText("order.shipped")).toBe(true);
	expect(templates.hasText("order.placed")).toBe(false);
	const { example } = MESSAGES["order.shipped"];
	for (const locale of LOCALES) {
		const { text, subject } = await templates.write("sms", "order.shipped", { ...budi, locale }, example);
		expect(text).toMatch(/#TK-000001.*Rp 1\.250\.000/);
		expect(subject).toBeUndefined();
	}
});

test("what customers and shopkeepers write is text, not HTML and not a template", async () => {
	const name = '<script>alert("x")</script> & {{ total_minor }}';
	const items = [{ ...placed.items[0], name, price_minor: 1, quantity: 1 }];
	const { html, text, subject } = await templates.write(
		"email",
		"order.placed",
		{ name, locale: "en", token: null },
		{ ...placed, items },
	);
	expect(html).not.toContain("<script");
	expect(html).toContain("&lt;script&gt;");
	expect(html?.match(/\{\{ total_minor \}\}/g)).toHaveLength(2);
	expect(text).toContain(name);
	expect(subject).toBe("Order #TK-000001 confirmed");
});

test.each([
	["a value that there is not", "{{ nmae }}", /id\/welcome\.html.*nmae/s],
	["a filter that there is not", "{{ name | shout }}", /id\/welcome\.html.*shout/s],
	["a tag that is not closed", "{% if name %}", /id\/welcome\.html.*if name/s],
])("%s is told at the start", async (_, mistake, told) => {
	const folder = await mkdtemp(join(tmpdir(), "templates-"));
	await cp(new URL("../../services/notifications/templates/", import.meta.url), folder, { recursive: true });
	await appendFile(join(folder, "id/welcome.html"), mistake);
	await expect(new Templates(pathToFileURL(`${folder}/`)).load()).rejects.toThrow(told);
	await rm(folder, { recursive: true });
});
