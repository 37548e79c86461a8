import { deriveKey, settings } from "./settings.ts";

interface Shared {
	/** Value in this process, in a form that may be shown and stored. */
	value(): string;
	/**
	 * True if stored amounts depend on the setting. It is then recorded with them and cannot change while there are any.
	 */
	isMoney: boolean;
	/** True if only services read it, and no command beside the shop, such as the REPL. */
	isOfServices?: true;
}

/** Settings that all processes of a shop must share, by variable. A new one is one line here. */
const SHARED: Record<string, Shared> = {
	CURRENCY: { value: () => settings.currency, isMoney: true },
	CURRENCY_DECIMALS: { value: () => String(settings.currencyDecimals), isMoney: true },
	// Only orders reads these, and each order keeps its own.
	TAX_RATE: { value: () => String(Number(settings.taxRate)), isMoney: false, isOfServices: true },
	PRICES_INCLUDE_TAX: { value: () => String(settings.pricesIncludeTax), isMoney: false, isOfServices: true },
	// Only orders reads these, and each invoice keeps its own.
	INVOICE_PREFIX: { value: () => settings.invoicePrefix, isMoney: false, isOfServices: true },
	INVOICE_SELLER: {
		// Written as the variable is, since it is shown in a line.
		value: () => settings.invoiceSeller.replaceAll("\n", "\\n"),
		isMoney: false,
		isOfServices: true,
	},
	TOKO_SECRET: {
		value: () => `fingerprint ${deriveKey("fingerprint").toString("hex", 0, 4)}`,
		isMoney: false,
	},
};

/** Returns this process's values of the shared settings; for a secret, a fingerprint. */
export function sharedSettings(): Record<string, string> {
	return valuesOf(Object.entries(SHARED));
}

/** Returns the values of the shared settings that a command beside the shop reads. */
export function settingsOfCommands(): Record<string, string> {
	return valuesOf(Object.entries(SHARED).filter(([, { isOfServices }]) => !isOfServices));
}

/** Tells whether a value that a store notes is a setting that its data were created with. */
export function isMoneySetting(name: string): boolean {
	return SHARED[name]?.isMoney === true;
}

/**
 * Returns a fingerprint of PAYMENT_WEBHOOK_SECRET, which reveals nothing without TOKO_SECRET; undefined if it is unset.
 */
export function webhookFingerprint(): string | undefined {
	const secret = settings.variables.PAYMENT_WEBHOOK_SECRET;
	return secret ? deriveKey(`fingerprint of ${secret}`).toString("hex", 0, 4) : undefined;
}

/** Returns the settings that amounts depend on. */
function moneySettings(): Record<string, string> {
	return valuesOf(Object.entries(SHARED).filter(([, { isMoney }]) => isMoney));
}

/**
 * Returns the message that refuses to read a store's amounts with settings other than its own; undefined if they agree.
 */
export function amountsRefusal(store: string, noted: Record<string, string>): string | undefined {
	const found = difference(moneySettings(), noted);
	return found && refusal(store, found.name, found.own, found.other).message;
}

function valuesOf(settings: [string, Shared][]): Record<string, string> {
	return Object.fromEntries(settings.map(([name, { value }]) => [name, value()]));
}

/** Returns the first setting that differs, with both values; undefined if all settings that both have are equal. */
export function difference(
	own: Record<string, string>,
	others: Record<string, string>,
): { name: string; own: string; other: string } | undefined {
	for (const [name, value] of Object.entries(own)) {
		const other = others[name];
		if (other !== undefined && other !== value) {
			return { name, own: value, other };
		}
	}
	return undefined;
}

/** Record of the settings that a store's data was created with. */
export interface SettingsRecord {
	/** Name of the store in messages. */
	store: string;
	read(): Promise<Record<string, string>>;
	/** Adds values that are missing. Another process may add them concurrently. */
	add(values: Record<string, string>): Promise<void>;
	change(values: Record<string, string>): Promise<void>;
	/** Currency of the amounts in the store; null if they do not contain it, undefined if there are no amounts. */
	currencyOfAmounts(): Promise<string | null | undefined>;
}

/**
 * Records the settings that amounts depend on when a process first starts on a store, and refuses later processes that
 * differ. The settings may change while the store holds no amounts.
 *
 * @param print Receives a line for each change.
 * @throws Error of one line that names the variable, both values and the remedy.
 */
export async function checkSharedSettings(
	record: SettingsRecord,
	print: (line: string) => void,
): Promise<void> {
	const own = moneySettings();
	const noted = await record.read();
	const isNew = Object.keys(own).some((name) => noted[name] === undefined);
	const currency =
		isNew || difference(own, noted) !== undefined ? await record.currencyOfAmounts() : undefined;
	// Data of earlier versions has no record of settings, but orders contain their currency.
	const known: Record<string, string> = { ...(currency ? { CURRENCY: currency } : {}), ...noted };
	const changed: Record<string, string> = {};
	for (const [name, value] of Object.entries(own)) {
		const other = known[name];
		if (other === undefined || other === value) {
			continue;
		}
		if (currency !== undefined) {
			throw refusal(record.store, name, value, other);
		}
		print(`${name} of ${record.store} changes from ${other} to ${value}`);
		changed[name] = value;
	}
	await record.change(changed);
	await record.add(own);
	const rival = difference(own, await record.read());
	if (rival) {
		throw refusal(record.store, rival.name, rival.own, rival.other);
	}
}

/** Returns the remedy for a process whose setting differs from the shop's. */
export function remedyOf(name: string, other: string): string {
	return SHARED[name]?.isMoney
		? `set ${name}=${other}, or start another shop with another TOKO_NAMESPACE or TOKO_DIR; it can change only while there are no prices and no orders`
		: "give this process the one of the others; to change it, stop all processes first";
}

function refusal(store: string, name: string, own: string, other: string): Error {
	const cure = remedyOf(name, other);
	return new Error(`${name} is ${own} here, but ${store} was made with ${other}: ${cure}`);
}
