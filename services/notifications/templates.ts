import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { compile } from "html-to-text";
import { type Context, Liquid, type Template } from "liquidjs";
import { settings } from "../../config/settings.ts";
import type { EventData as EventDataOf, EventName } from "../../contracts/actions.ts";
import { moment, money, optionsText } from "../../contracts/formats.ts";
import { CURRENCY } from "../../contracts/money.ts";
import type { ChannelName, Written } from "./channel.ts";
import { LOCALES, type Locale, MESSAGES, type Message } from "./messages.ts";
import { nameForStranger } from "./names.ts";

/** The reader of a message. */
export interface Reader {
	name: string;
	/** True if the reader is known to be the user; to others, the name is shown only if it looks like one. */
	is_verified: boolean;
	locale: Locale;
	/** Token for the message's link. */
	token: string | null;
}

/** The data of an event, and its time in ISO 8601. */
type EventData = object & { occurred_at: string };

interface Mail {
	subject: Template[];
	content: Template[];
}

/** Pages of the shop that accept the tokens of links. */
const PAGES = { verify: "verify-email", change: "verify-email", reset: "reset-password" };

const FOLDER = new URL("./templates/", import.meta.url);
const options = { strictVariables: true, strictFilters: true, ownPropertyOnly: true } as const;
/** Values are text, so they are escaped in HTML; a subject is not HTML. */
const html = new Liquid({ ...options, outputEscape: "escape" });
const plain = new Liquid(options);
for (const engine of [html, plain]) {
	engine.registerFilter("money", function (minor: unknown) {
		return money(minor, valueIn<Locale>(this, "locale"), valueIn<string>(this, "currency"));
	});
	// Replaces Liquid's own filter, which supports neither the reader's language nor the name of the time zone.
	engine.registerFilter("date", function (at: unknown) {
		return moment(at, valueIn<Locale>(this, "locale"));
	});
}

/** Returns a value of the message that a filter is used in. */
function valueIn<T>({ context }: { context: Context }, name: string): T {
	return context.getSync([name]) as T;
}

/**
 * The templates of messages, in Liquid: HTML for mails, whose `<title>` is the subject, and plain text for messages
 * that are sent as an SMS too. Errors are reported at the start, by file and line.
 */
export class Templates {
	#folder: URL;
	#layout: Template[] = [];
	#mails = new Map<string, Mail>();
	#texts = new Map<string, Template[]>();

	constructor(folder = FOLDER) {
		this.#folder = folder;
	}

	/** Reads all templates and renders each with an example. */
	async load(): Promise<void> {
		this.#layout = await this.#parse("layout.html", (text) => html.parse(text));
		const files = (await readdir(this.#folder, { recursive: true })).map((name) =>
			name.replaceAll("\\", "/"),
		);
		rejectStrays(files);
		for (const [event, message] of Object.entries<Message>(MESSAGES)) {
			const { type, example, optional = [] } = message;
			const examples = [example, without(example, optional)];
			const hasText = LOCALES.some((locale) => files.includes(`${locale}/${type}.txt`));
			for (const locale of LOCALES) {
				const file = `${locale}/${type}`;
				this.#mails.set(file, await this.#parse(`${file}.html`, split));
				await this.#check(`${file}.html`, "email", event as EventName, locale, examples);
				if (hasText) {
					this.#texts.set(file, await this.#parse(`${file}.txt`, (text) => plain.parse(text)));
					await this.#check(`${file}.txt`, "sms", event as EventName, locale, examples);
				}
			}
		}
	}

	/** Tells whether the message of an event is sent as an SMS too. */
	hasText(event: EventName): boolean {
		return this.#texts.has(`${LOCALES[0]}/${messageOf(event).type}`);
	}

	/**
	 * Renders the message of an event.
	 *
	 * @param data The event's data and time.
	 * @param shopUrl Base URL of the page that its link points to.
	 */
	async write(
		channel: ChannelName,
		event: EventName,
		reader: Reader,
		data: EventData,
		shopUrl = settings.shopUrl,
	): Promise<Written> {
		const { type, token_for, optional = [] } = messageOf(event);
		const file = `${reader.locale}/${type}`;
		const values = {
			currency: CURRENCY,
			...Object.fromEntries(optional.map((name) => [name, null])),
			...withItemTexts(data),
			...reader,
			name: nameFor(channel, reader),
			link: linkFor(token_for, reader.token, shopUrl),
		};
		if (channel === "sms") {
			return { text: String(plain.renderSync(this.#texts.get(file) as Template[], values)).trim() };
		}
		const template = this.#mails.get(file) as Mail;
		const subject = String(plain.renderSync(template.subject, values)).trim();
		const content = String(html.renderSync(template.content, values));
		const page = String(html.renderSync(this.#layout, { ...values, subject, content }));
		return { subject, html: page, text: asText(page).trim() };
	}

	async #parse<T>(file: string, parser: (text: string) => T): Promise<T> {
		const path = fileURLToPath(new URL(file, this.#folder));
		try {
			return parser(await readFile(path, "utf8"));
		} catch (error) {
			throw new Error(`templates/${file} is not a valid template: ${(error as Error).message}`);
		}
	}

	/** Renders with a link, with a token only and without: all three occur. */
	async #check(file: string, channel: ChannelName, event: EventName, locale: Locale, examples: object[]) {
		const links = [["to.ken", "https://shop.example"], ["to.ken"], [null]] as const;
		for (const [example, [token, shopUrl]] of examples.flatMap((one) =>
			links.map((link) => [one, link] as const),
		)) {
			const reader = { name: "Budi Santoso", is_verified: token === null, locale, token };
			const data = { ...example, occurred_at: "2026-11-23T08:00:00.000Z" };
			try {
				const needed = token && messageOf(event).token_for ? token : "";
				// An empty address counts as none.
				validate(channel, needed, await this.write(channel, event, reader, data, shopUrl ?? ""));
			} catch (error) {
				throw new Error(`templates/${file} cannot be rendered: ${(error as Error).message}`);
			}
		}
	}
}

/** Checks a rendered message. */
function validate(channel: ChannelName, token: string, { subject, html, text }: Written): void {
	if (text === "" || (channel === "email" && (subject === "" || !text.includes("Budi")))) {
		throw new Error(
			"it is empty: a mail needs a subject and {{ name }}, the layout needs {{ content | raw }}",
		);
	}
	if (/NaN|\[object|\{\{|\{%|&lt;p&gt;/.test(text + (html ?? "") + (subject ?? ""))) {
		throw new Error("it shows NaN, {{ or tags as text");
	}
	if (!text.includes(token)) {
		throw new Error("it contains neither {{ link }} nor {{ token }}");
	}
}

/** Rejects unknown files, whose names are probably misspelt. */
function rejectStrays(files: string[]): void {
	const types = Object.values(MESSAGES).map(({ type }) => type);
	const known = new Set([
		"layout.html",
		...LOCALES,
		...LOCALES.flatMap((locale) =>
			types.flatMap((type) => [`${locale}/${type}.html`, `${locale}/${type}.txt`]),
		),
	]);
	// Editors leave hidden files and copies with a ~.
	const stray = files.find((file) => !known.has(file) && !/(^|\/)\.|~$/.test(file));
	if (stray !== undefined) {
		throw new Error(`templates/${stray} belongs to no message: the messages are ${types.join(", ")}`);
	}
}

function messageOf(event: EventName): {
	type: string;
	token_for?: keyof typeof PAGES;
	optional?: readonly string[];
} {
	return MESSAGES[event as keyof typeof MESSAGES];
}

/** Returns null if there is no page to link to: the message then shows the token itself. */
function linkFor(
	purpose: keyof typeof PAGES | undefined,
	token: string | null,
	shopUrl: string | undefined,
): string | null {
	return purpose && token && shopUrl
		? `${shopUrl}/${PAGES[purpose]}?token=${encodeURIComponent(token)}`
		: null;
}

function split(text: string): Mail {
	const [title, subject] = /<title>(.*?)<\/title>/s.exec(text) ?? [];
	if (!title || !subject?.trim()) {
		throw new Error("it needs a <title>, which is the subject of the mail");
	}
	return { subject: plain.parse(subject), content: html.parse(text.replace(title, "")) };
}

/** A phone is never verified. */
function nameFor(channel: ChannelName, { name, is_verified, locale }: Reader): string {
	return is_verified && channel === "email" ? name : nameForStranger(name, locale);
}

function without(data: object, names: readonly string[]): object {
	return Object.fromEntries(Object.entries(data).filter(([name]) => !names.includes(name)));
}

/** Adds to the items of an order what they cost, and their options as text, such as `ukuran: M, warna: Merah`. */
function withItemTexts(data: EventData): object {
	const { items } = data as Partial<EventDataOf<"order.placed">>;
	return items
		? {
				...data,
				items: items.map(({ options = {}, ...item }) => ({
					...item,
					subtotal_minor: item.price_minor * item.quantity,
					options: optionsText(Object.entries(options)),
				})),
			}
		: data;
}

const asText = compile({
	wordwrap: 78,
	selectors: [{ selector: "table", format: "dataTable", options: { colSpacing: 3 } }],
});
