import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, test } from "@jest/globals";
import type { EventName } from "../../contracts/actions.ts";
import { LOCALES, MESSAGES } from "../../services/notifications/messages.ts";
import { Templates } from "../../services/notifications/templates.ts";
import { setVariables } from "../variables.ts";

const templates = new Templates();
const at = (data: object) => ({ ...data, occurred_at: "2026-11-23T08:00:00.000Z" });

beforeAll(() => templates.load());

describe.each(LOCALES)("in %s", (locale) => {
	test.each(Object.entries(MESSAGES))(
		"%s has a message with a subject, HTML and text",
		async (name, message) => {
			const reader = { name: "Budi", is_verified: true, locale, token: "secret" };
			const written = await templates.write("email", name as EventName, reader, at(message.example));
			expect(written.subject).toMatch(/\w+/);
			expect(written.html).toContain(`<html lang="${locale}">`);
			expect(written.text).toMatch(/Budi,/);
			expect(written.text).not.toMatch(/[<>{}]/);
		},
	);
});

const budi = { name: "Budi", is_verified: true, locale: "id", token: null } as const;
const placed = at(MESSAGES["order.placed"].example) as ReturnType<typeof at> &
	(typeof MESSAGES)["order.placed"]["example"];

test.each([
	["id", "Rp 1.250.000"],
	["en", "IDR 1,250,000"],
] as const)("amounts are written as readers of %s write them", async (locale, amount) => {
	const { html, text } = await templates.write("email", "order.placed", { ...budi, locale }, placed);
	expect(html).toContain(amount);
	expect(text.replace(/Total +/, "Total ")).toContain(`Total ${amount}`);
});

test.each([
	["id", /23 November 2026 pukul \d\d\.\d\d \S+/],
	["en", /November 23, 2026 at \d\d:\d\d \S+/],
] as const)(
	"moments are written as readers of %s write them, with their time zone",
	async (locale, moment) => {
		const reader = { ...budi, locale };
		const { text } = await templates.write("email", "user.password_changed", reader, at({ user_id: 1 }));
		expect(text.replaceAll("\n", " ")).toMatch(moment);
	},
);

test.each([
	[true, ["-50.000", "75.000", "1.275.000", "123.874"]],
	[false, ["-50.000", "75.000", "123.874", "1.398.874"]],
])(
	"the confirmation of an order has all parts of its total, with prices that include the tax: %s",
	async (tax_included, amounts) => {
		const total_minor = tax_included ? 1_275_000 : 1_398_874;
		const terms = { total_minor, discount_minor: 50_000, shipping_minor: 75_000, tax_included };
		const { text } = await templates.write("email", "order.placed", budi, { ...placed, ...terms });
		const rows = text.split("\n").filter((line) => line.includes("Rp"));
		expect(rows[0]).toMatch(/^2 × Kaos \(ukuran: M, warna: Merah\) +Rp 1\.250\.000$/);
		expect(rows.slice(1).map((row) => row.replace(/^.*?(−?)Rp\s/, (_, sign) => (sign ? "-" : "")))).toEqual(
			amounts,
		);
	},
);

test("the confirmation of an order without terms or options has only its items and total", async () => {
	const { order_id, number, user_id, total_minor, currency, occurred_at } = placed;
	const items = placed.items.map(({ options, ...item }) => item);
	const data = { order_id, number, user_id, total_minor, currency, occurred_at, items };
	const { text } = await templates.write("email", "order.placed", budi, data);
	expect(text.split("\n").filter((line) => line.includes("Rp"))).toEqual([
		expect.stringMatching(/^2 × Kaos +Rp 1\.250\.000$/),
		expect.stringMatching(/^Total +Rp 1\.250\.000$/),
	]);
});

test.each(LOCALES)("an order of nothing was not paid and nothing goes back, in %s", async (locale) => {
	const { example } = MESSAGES["order.paid"];
	const free = at({ ...example, total_minor: 0 });
	for (const event of ["order.paid", "order.refunded"] as const) {
		const { text } = await templates.write("email", event, { ...budi, locale }, free);
		expect(text).not.toMatch(/Rp|IDR/);
	}
	const { text } = await templates.write("sms", "order.paid", { ...budi, locale }, free);
	expect(text).not.toMatch(/Rp|IDR/);
});

test.each([
	["user.registered", "verify-email"],
	["user.verification_requested", "verify-email"],
	["user.password_reset_requested", "reset-password"],
] as const)(
	"%s links to the shop's page where there is one, and else shows the token",
	async (event, page) => {
		const write = () => templates.write("email", event, { ...budi, token: "se.cret" }, at({ user_id: 1 }));
		expect((await write()).text).toMatch(/^se\.cret$/m);
		setVariables({ SHOP_URL: "https://shop.example/" });
		const linked = await write();
		setVariables({ SHOP_URL: undefined });
		expect(linked.html).toContain(`href="https://shop.example/${page}?token=se.cret"`);
		expect(linked.text).toContain(`https://shop.example/${page}?token=se.cret`);
	},
);

test("what has a text beside its mail goes as an SMS too, in both languages", async () => {
	expect(templates.hasText("order.shipped")).toBe(true);
	expect(templates.hasText("order.placed")).toBe(false);
	const { example } = MESSAGES["order.shipped"];
	for (const locale of LOCALES) {
		const reader = { ...budi, locale };
		const { text, subject } = await templates.write("sms", "order.shipped", reader, at(example));
		expect(text).toMatch(/#TK-000001.*(Rp 1\.250\.000|IDR 1,250,000)/);
		// Other characters need UCS-2, in segments of 70 characters instead of 160.
		expect(text).toMatch(/^[\x20-\x7e]+$/);
		expect(subject).toBeUndefined();
	}
});

test("what customers and shopkeepers write is text, not HTML and not a template", async () => {
	const name = '<script>alert("x")</script> & {{ total_minor }}';
	const items = [{ ...placed.items[0], name, price_minor: 1, quantity: 1 }];
	const { html, text, subject } = await templates.write(
		"email",
		"order.placed",
		{ name, is_verified: true, locale: "en", token: null },
		{ ...placed, items } as typeof placed,
	);
	expect(html).not.toContain("<script");
	expect(html).toContain("&lt;script&gt;");
	expect(html?.match(/\{\{ total_minor \}\}/g)).toHaveLength(2);
	expect(text).toContain(name);
	expect(subject).toBe("Order #TK-000001 confirmed");
});

const folders = new URL("../../services/notifications/templates/", import.meta.url);

/** Loads the templates with one of their files changed. */
async function loadWith(file: string, change: (text: string) => string) {
	const folder = await mkdtemp(join(tmpdir(), "templates-"));
	await cp(folders, folder, { recursive: true });
	const text = await readFile(join(folder, file), "utf8").catch(() => "");
	await writeFile(join(folder, file), change(text));
	await new Templates(pathToFileURL(`${folder}/`)).load().finally(() => rm(folder, { recursive: true }));
}

test.each([
	["a value that there is not", "id/welcome.html", "{{ nmae }}", /id\/welcome\.html.*nmae/s],
	["a filter that there is not", "id/welcome.html", "{{ name | shout }}", /id\/welcome\.html.*shout/s],
	["a tag that is not closed", "id/welcome.html", "{% if name %}", /id\/welcome\.html.*if name/s],
	["a value that is not closed", "id/welcome.html", "{{ name ", /id\/welcome\.html/],
	["an amount that is none", "en/order_paid.html", "{{ number | money }}", /en\/order_paid\.html.*NaN/s],
	["a wrong value beside a link", "en/welcome.html", "{% if link %}{{ lnik }}{% endif %}", /lnik/],
	["a text of no message", "id/order_payed.txt", "Toko", /order_payed\.txt belongs to no message/],
])("%s is told at the start", async (_, file, mistake, told) => {
	await expect(loadWith(file, (text) => text + mistake)).rejects.toThrow(told);
});

test.each([
	["an empty text", "id/order_paid.txt", () => "", /id\/order_paid\.txt.*is empty/],
	[
		"a subject of nothing",
		"id/order_paid.html",
		(text: string) => text.replace(/<title>.*?</, "<title> <"),
		/title/,
	],
	["no token", "id/reset_password.html", (text: string) => text.replace("{{ token }}", ""), /neither/],
	["no link", "id/reset_password.html", (text: string) => text.replace("{{ link }}", "#"), /neither/],
	[
		"a layout without content",
		"layout.html",
		(text: string) => text.replace("{{ content | raw }}", ""),
		/is empty/,
	],
	["a layout that shows tags", "layout.html", (text: string) => text.replace("| raw", ""), /tags as text/],
])("%s is told at the start", async (_, file, change, told) => {
	await expect(loadWith(file, change)).rejects.toThrow(told);
});

const moved = MESSAGES["order.refunded"].example;

describe("amounts that go back", () => {
	const write = async (event: EventName, data: object, locale: (typeof LOCALES)[number] = "en") =>
		(await templates.write("email", event, { ...budi, locale }, at(data))).text.replaceAll("\n", " ");

	test("are those of the part and of all parts so far", async () => {
		const { example } = MESSAGES["order.partly_refunded"];
		const text = await write("order.partly_refunded", example);
		expect(text).toContain("giving back IDR 625,000 for order #TK-000001");
		expect(text).toContain("IDR 1,000,000 of the IDR 1,250,000 that you paid");
		expect(await write("order.partly_refunded", example, "id")).toMatch(
			/dana Rp 625\.000 .* Rp 1\.000\.000 dari Rp 1\.250\.000/,
		);
	});

	test("are the rest after parts, and otherwise the whole", async () => {
		expect(await write("order.refunded", moved)).toContain("IDR 250,000, the rest of the IDR 1,250,000");
		const { amount_minor, ...whole } = moved;
		expect(await write("order.refunded", whole)).toContain("giving back IDR 1,250,000 for order");
	});

	test.each(LOCALES)("are not mentioned for a part that cost nothing, in %s", async (locale) => {
		const { example } = MESSAGES["order.partly_refunded"];
		const free = { ...example, total_minor: 0, amount_minor: 0, refunded_minor: 0 };
		expect(await write("order.partly_refunded", free, locale)).not.toMatch(/Rp|IDR/);
	});
});

test.each(LOCALES)(
	"the carrier and the tracking number are text, and may be unknown, in %s",
	async (locale) => {
		const { carrier, tracking_number, ...example } = MESSAGES["order.shipped"].example;
		const reader = { ...budi, locale };
		const write = async (channel: "email" | "sms", data: object) =>
			templates.write(channel, "order.shipped", reader, at({ ...example, ...data }));
		const mail = await write("email", { carrier: "<b>JNE</b>", tracking_number: "{{ number }}" });
		expect(mail.html).toContain("&lt;b&gt;JNE&lt;/b&gt;");
		expect(mail.text).toContain("<b>JNE</b>");
		expect(mail.text).toContain("{{ number }}");
		expect((await write("sms", { carrier, tracking_number })).text).toMatch(/JNE.*CGK1234567890/);
		for (const data of [{}, { carrier }, { tracking_number }]) {
			expect((await write("email", data)).text).not.toMatch(/null|undefined/);
			expect((await write("sms", data)).text).not.toMatch(/null|undefined| {2}/);
		}
	},
);
