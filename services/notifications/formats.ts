import { settings } from "../../config/settings.ts";
import { CURRENCY, CURRENCY_DECIMALS } from "../../contracts/money.ts";
import type { Locale } from "./messages.ts";

const options = { minimumFractionDigits: CURRENCY_DECIMALS, maximumFractionDigits: CURRENCY_DECIMALS };
const numbers: Record<Locale, Intl.NumberFormat> = {
	en: new Intl.NumberFormat("en", options),
	id: new Intl.NumberFormat("id", options),
};

/**
 * An amount as its reader writes it: `IDR 150,000`, `USD 1,234.56` in English, `Rp 150.000`, `USD 1.234,56` in Indonesian.
 * The blank is an ordinary one, since a no-break space makes a text message of 160 characters one of 70.
 *
 * @param minor A whole number of the smallest unit; anything else is `NaN`.
 * @param currency ISO 4217.
 */
export function money(minor: unknown, locale: Locale, currency: string = CURRENCY): string {
	const symbol = locale === "id" && currency === "IDR" ? "Rp" : currency;
	return `${symbol} ${Number.isSafeInteger(minor) ? numbers[locale].format(decimal(minor as number)) : Number.NaN}`;
}

/** The amount as text, since a division would round large ones. */
function decimal(minor: number): Intl.StringNumericLiteral {
	const digits = String(Math.abs(minor)).padStart(CURRENCY_DECIMALS + 1, "0");
	const point = digits.length - CURRENCY_DECIMALS;
	return `${minor < 0 ? "-" : ""}${digits.slice(0, point)}.${digits.slice(point)}0` as Intl.StringNumericLiteral;
}

/**
 * A moment as its reader writes it, with the time zone: `November 23, 2026 at 15:00 GMT+7`, `23 November 2026 pukul 15.00
 * WIB`.
 *
 * @param at ISO 8601; anything else is `NaN`.
 * @param timeZone By default that of the setting `TZ`.
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
