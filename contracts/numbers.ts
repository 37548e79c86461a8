/**
 * The two readings of a number such as `150.000`: a dot or comma before exactly three digits separates thousands in
 * one country and decimals in another. Undefined where the text has one reading only.
 */
export function ambiguousReadings(text: string): { thousands: string; decimal: string } | undefined {
	const [, sign = "", whole = "", decimals = ""] = /^\s*([+-]?)(\d+)[.,](\d{3})\s*$/.exec(text) ?? [];
	if (whole === "") {
		return undefined;
	}
	return {
		thousands: String(Number(`${sign}${whole}${decimals}`)),
		decimal: String(Number(`${sign}${whole}.${decimals}`)),
	};
}

/** Tells a caller who wrote an ambiguous number how to write either reading. */
export function ambiguityMessage(text: string): string | undefined {
	const readings = ambiguousReadings(text);
	return (
		readings &&
		`${text.trim()} can mean ${readings.thousands} or ${readings.decimal}: write it without a separator of thousands and without three decimals`
	);
}
