import { settings } from "../config/settings.ts";
import type { Language } from "./languages.ts";
import { CURRENCY, CURRENCY_DECIMALS } from "./money.ts";

const options = { minimumFractionDigits: CURRENCY_DECIMALS, maximumFractionDigits: CURRENCY_DECIMALS };
const numbers: Record<Language, Intl.NumberFormat> = {
	en: new Intl.NumberFormat("en", options),
	id: new Intl.NumberFormat("id", options),
};

/**
 * Formats an amount in the reader's language: `IDR 150,000`, `USD 1,234.56` in English, `Rp 150.000`, `USD 1.234,56` in
 * Indonesian. Uses an ordinary space, because a no-break space reduces the length of a text message from 160 to 70
 * characters.
 *
 * @param minor An integer in minor units; anything else yields `NaN`.
 * @param currency ISO 4217.
 */
export function money(minor: unknown, language: Language, currency: string = CURRENCY): string {
	const symbol = language === "id" && currency === "IDR" ? "Rp" : currency;
	return `${symbol} ${Number.isSafeInteger(minor) ? numbers[language].format(decimal(minor as number)) : Number.NaN}`;
}

/** Returns the amount as text, since a division would round large amounts. */
function decimal(minor: number): Intl.StringNumericLiteral {
	const digits = String(Math.abs(minor)).padStart(CURRENCY_DECIMALS + 1, "0");
	const point = digits.length - CURRENCY_DECIMALS;
	return `${minor < 0 ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}0` as Intl.StringNumericLiteral;
}

/** Formats options of a variant, as pairs of name and value: `ukuran: M, warna: Merah`. */
export function optionsText(options: readonly [name: string, value: string][]): string {
	return options.map((option) => option.join(": ")).join(", ");
}

/**
 * Formats a time in the reader's language, with the time zone: `November 23, 2026 at 15:00 GMT+7`, `23 November 2026
 * pukul 15.00 WIB`.
 *
 * @param at ISO 8601; anything else yields `NaN`.
 * @param timeZone That of the setting `TZ` by default.
 */
export function moment(at: unknown, language: Language, timeZone = settings.timeZone): string {
	const time = { hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short" } as const;
	return formatted(at, language, { ...DAY, ...time, timeZone });
}

/** Formats the day of a time in the reader's language: `November 23, 2026`, `23 November 2026`. */
export function day(at: unknown, language: Language, timeZone = settings.timeZone): string {
	return formatted(at, language, { ...DAY, timeZone });
}

const DAY = { day: "numeric", month: "long", year: "numeric" } as const;

function formatted(
	at: unknown,
	language: Language,
	format: Intl.DateTimeFormatOptions & { timeZone: string | undefined },
): string {
	const date = new Date(typeof at === "string" ? at : Number.NaN);
	if (Number.isNaN(date.getTime())) {
		return String(Number.NaN);
	}
	return new Intl.DateTimeFormat(language, format).format(date).replace(/[\u00a0\u202f]/g, " ");
}
