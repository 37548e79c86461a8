/**
 * Returns both readings of a number such as `150.000`: a dot or comma before exactly three digits separates thousands
 * in some countries and decimals in others. Undefined if the number is unambiguous.
 */
export function ambiguousReadings(text: string): { thousands: string; decimal: string } | undefined {
	const [, sign = "", whole = "", decimals = ""] = /^\s*([+-]?)(\d+)[.,](\d{3})\s*$/.exec(text) ?? [];
	if (whole === "") {
		return undefined;
	}
	const minus = sign === "-" ? "-" : "";
	const fraction = decimals.replace(/0+$/, "");
	return {
		thousands: minus + withoutZeros(whole + decimals),
		decimal: minus + withoutZeros(whole) + (fraction && `.${fraction}`),
	};
}

/** Returns the message that asks for an unambiguous number; undefined if it is unambiguous. */
export function ambiguityMessage(text: string): string | undefined {
	const readings = ambiguousReadings(text);
	return (
		readings &&
		`${text.trim()} can be read as ${readings.thousands} or as ${readings.decimal}: write ${readings.thousands} or ${readings.decimal}`
	);
}

function withoutZeros(digits: string): string {
	return digits.replace(/^0+(?=\d)/, "");
}
