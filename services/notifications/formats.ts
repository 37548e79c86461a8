import { settings } from "../../config/settings.ts";
import { CURRENCY, CURRENCY_DECIMALS } from "../../contracts/money.ts";
import type { Locale } from "./messages.ts";

const options = { minimumFractionDigits: CURRENCY_DECIMALS, maximumFractionDigits: CURRENCY_DECIMALS };
const numbers: Record<Locale, Intl.NumberFormat> = {
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
export function money(minor: unknown, locale: Locale, currency: string = CURRENCY): string {
	const symbol = locale === "id" && currency === "IDR" ? "Rp" : currency;
	return `${symbol} ${Number.isSafeInteger(minor) ? numbers[locale].format(decimal(minor as number)) : Number.NaN}`;
}

/** Returns the amount as text, since a division would round large amounts. */
function decimal(minor: number): Intl.StringNumericLiteral {
	const digits = String(Math.abs(minor)).padStart(CURRENCY_DECIMALS + 1, "0");
	const point = digits.length - CURRENCY_DECIMALS;
	return `${minor < 0 ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}0` as Intl.StringNumericLiteral;
}

/**
 * Formats a time in the reader's language, with the time zone: `November 23, 2026 at 15:00 GMT+7`, `23 November 2026
 * pukul 15.00 WIB`.
 *
 * @param at ISO 8601; anything else yields `NaN`.
 * @param timeZone That of the setting `TZ` by default.
 */
export function moment(at: unknown, locale: Locale, timeZone = settings.timeZone): string {
	const date = new Date(typeof at === "string" ? at : Number.NaN);
	if (Number.isNaN(date.getTime())) {
		return String(Number.NaN);
	}
	const format = new Intl.DateTimeFormat(locale, {
		...{ day: "numeric", month: "long", year: "numeric" },
		...{ hour: "2-digit", minute: "2-digit", hourCycle: "h23", timeZoneName: "short", timeZone },
	});
	return format.format(date).replace(/[\u00a0\u202f]/g, " ");
}
