import { deriveKey, settings } from "./settings.ts";

interface Shared {
	/** What this process has, in a form that may be shown and kept. */
	value(): string;
	/** Whether kept amounts mean something else without it: then it is noted with them, and stays as long as there are any. */
	isMoney: boolean;
}

/** The settings that all processes of a shop must share, by their variables: a new one is a line here. */
const SHARED: Record<string, Shared> = {
	CURRENCY: { value: () => settings.currency, isMoney: true },
	CURRENCY_DECIMALS: { value: () => String(settings.currencyDecimals), isMoney: true },
	TOKO_SECRET: {
		value: () => `fingerprint ${deriveKey("fingerprint").toString("hex", 0, 4)}`,
		isMoney: false,
	},
};

/** The settings of this process that all others must share. Of a secret it is a fingerprint. */
export function sharedSettings(): Record<string, string> {
	return told(Object.entries(SHARED));
}

/** Tells one PAYMENT_WEBHOOK_SECRET from another, and nobody without TOKO_SECRET what it is; undefined where there is none. */
export function webhookFingerprint(): string | undefined {
	const secret = process.env.PAYMENT_WEBHOOK_SECRET;
	return secret ? deriveKey(`fingerprint of ${secret}`).toString("hex", 0, 4) : undefined;
}

/** The settings that amounts depend on. */
function moneySettings(): Record<string, string> {
	return told(Object.entries(SHARED).filter(([, { isMoney }]) => isMoney));
}

/** The line that refuses to read the amounts of a store with other settings than it was made with; undefined where they agree. */
export function amountsRefusal(store: string, noted: Record<string, string>): string | undefined {
	const found = difference(moneySettings(), noted);
	return found && refusal(store, found.name, found.own, found.other).message;
}

function told(settings: [string, Shared][]): Record<string, string> {
	return Object.fromEntries(settings.map(([name, { value }]) => [name, value()]));
}

/** The first of these settings that differs, with both values; undefined where they agree as far as both have them. */
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

/** Where a store keeps the settings that its data were made with. */
export interface SettingsRecord {
	/** What the store is called in messages. */
	store: string;
	read(): Promise<Record<string, string>>;
	/** Adds those that are not there; another process may add them at the same moment. */
	add(values: Record<string, string>): Promise<void>;
	change(values: Record<string, string>): Promise<void>;
	/** The currency of the amounts in the store, null where they do not say it; undefined where there are none. */
	currencyOfAmounts(): Promise<string | null | undefined>;
}

/**
 * Notes the settings that amounts depend on with the data of a store when a process first starts on it, and refuses a
 * process that has others. They may change while the store holds no amounts.
 *
 * @param say Told of what changes.
 * @throws Error of one line that names the variable, both values and the cure.
 */
export async function checkSharedSettings(
	record: SettingsRecord,
	say: (line: string) => void,
): Promise<void> {
	const own = moneySettings();
	const noted = await record.read();
	const isNew = Object.keys(own).some((name) => noted[name] === undefined);
	const currency =
		isNew || difference(own, noted) !== undefined ? await record.currencyOfAmounts() : undefined;
	// Data of a version before have no record, but orders say their currency.
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
		say(`${name} of ${record.store} changes from ${other} to ${value}`);
		changed[name] = value;
	}
	await record.change(changed);
	await record.add(own);
	const rival = difference(own, await record.read());
	if (rival) {
		throw refusal(record.store, rival.name, rival.own, rival.other);
	}
}

/** What an operator can do about a process whose setting differs from that of the shop. */
export function remedyOf(name: string, other: string): string {
	return SHARED[name]?.isMoney
		? `set ${name}=${other}, or start another shop with another TOKO_NAMESPACE or TOKO_DIR; it can change only while there are no prices and no orders`
		: "give this process the one of the others; to change it, stop all processes first";
}

function refusal(store: string, name: string, own: string, other: string): Error {
	const cure = remedyOf(name, other);
	return new Error(`${name} is ${own} here, but ${store} was made with ${other}: ${cure}`);
}
