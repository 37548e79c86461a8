import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { convert } from "html-to-text";
import { Liquid, type Template } from "liquidjs";
import type { EventName } from "../../contracts/actions.ts";
import { CURRENCY, CURRENCY_DECIMALS, fromMinor } from "../../contracts/money.ts";
import { LOCALES, type Locale, MESSAGES } from "./messages.ts";

/** A message that is ready to be sent. */
export interface Written {
	subject: string;
	html: string;
	/** The same as plain text. */
	text: string;
}

interface Parsed {
	subject: Template[];
	content: Template[];
}

const FOLDER = new URL("./templates/", import.meta.url);
const options = { strictVariables: true, strictFilters: true, ownPropertyOnly: true } as const;
/** What is filled in is text, so it is escaped; a subject is no HTML. */
const html = new Liquid({ ...options, outputEscape: "escape" });
const plain = new Liquid(options);
for (const engine of [html, plain]) {
	engine.registerFilter("money", money);
}

/**
 * The messages' templates: HTML with Liquid in it, whose `<title>` is the subject. What is wrong with one is told at the
 * start, by its file and line.
 */
export class Templates {
	#folder: URL;
	#layout: Template[] = [];
	#parsed = new Map<string, Parsed>();

	constructor(folder = FOLDER) {
		this.#folder = folder;
	}

	/** Reads all templates and tries each with an example. */
	async load(): Promise<void> {
		this.#layout = await parse(this.#folder, "layout.html", (text) => html.parse(text));
		for (const locale of LOCALES) {
			for (const [name, { type, example }] of Object.entries(MESSAGES)) {
				const file = `${locale}/${type}.html`;
				this.#parsed.set(file, await parse(this.#folder, file, split));
				await this.write(name as EventName, locale, "Budi", example).catch((error: Error) => {
					throw new Error(`templates/${file} cannot be filled in: ${error.message}`);
				});
			}
		}
	}

	/** Fills in the message of an event. `name` is the customer's. */
	async write(event: EventName, locale: Locale, name: string, data: object): Promise<Written> {
		const { type } = MESSAGES[event as keyof typeof MESSAGES];
		const template = this.#parsed.get(`${locale}/${type}.html`) as Parsed;
		const values = { ...withSubtotals(data), name, locale };
		const subject = String(await plain.render(template.subject, values)).trim();
		const content = String(await html.render(template.content, values));
		const page = String(await html.render(this.#layout, { ...values, subject, content }));
		return { subject, html: page, text: asText(page) };
	}
}

async function parse<T>(folder: URL, file: string, parser: (text: string) => T): Promise<T> {
	const path = fileURLToPath(new URL(file, folder));
	try {
		return parser(await readFile(path, "utf8"));
	} catch (error) {
		throw new Error(`templates/${file} is no message: ${(error as Error).message}`);
	}
}

function split(text: string): Parsed {
	const [whole, subject] = /<title>(.*?)<\/title>/s.exec(text) ?? [];
	if (!whole || !subject?.trim()) {
		throw new Error("it needs a <title>, which is the subject of the mail");
	}
	return { subject: plain.parse(subject), content: html.parse(text.replace(whole, "")) };
}

function withSubtotals(data: object): object {
	const { items } = data as { items?: { price_minor: number; quantity: number }[] };
	return items
		? { ...data, items: items.map((item) => ({ ...item, subtotal_minor: item.price_minor * item.quantity })) }
		: data;
}

function asText(page: string): string {
	return convert(page, {
		wordwrap: 78,
		selectors: [{ selector: "table", format: "dataTable", options: { colSpacing: 3 } }],
	}).trim();
}

const format = new Intl.NumberFormat("id-ID", {
	minimumFractionDigits: CURRENCY_DECIMALS,
	maximumFractionDigits: CURRENCY_DECIMALS,
});

/** `Rp 1.250.000`; other currencies by their code. */
function money(minor: number): string {
	return `${CURRENCY === "IDR" ? "Rp" : CURRENCY} ${format.format(fromMinor(minor))}`;
}
