import { StartError } from "../infra/start-error.ts";

/** Unambiguous formats only: a day in UTC, or a time with its UTC offset. */
const MOMENT = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d))?$/;

/**
 * Returns a moment that a person gives, in ISO 8601 and UTC.
 *
 * @throws StartError
 */
export function momentOf(text: string): string {
	const moment = new Date(text);
	const day = text.slice(0, 10);
	// `new Date` accepts 31 February as 3 March.
	if (!MOMENT.test(text) || Number.isNaN(moment.getTime()) || !isDay(day)) {
		throw new StartError(
			`${JSON.stringify(text)} is no moment: write a day such as 2026-11-23, or 2026-11-23T08:00:00+07:00`,
		);
	}
	return moment.toISOString();
}

function isDay(day: string): boolean {
	const moment = new Date(`${day}T00:00:00Z`);
	return !Number.isNaN(moment.getTime()) && moment.toISOString().startsWith(day);
}
