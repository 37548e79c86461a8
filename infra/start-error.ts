/** An error that prevents the start. Its message is one line for the operator: cause and remedy. */
export class StartError extends Error {
	override name = "StartError";
}

/** Returns the message of any thrown value, on one line. */
export function reason(error: unknown): string {
	if (error instanceof AggregateError && error.errors.length > 0) {
		return reason(error.errors[0]);
	}
	const text = error instanceof Error ? error.message || error.name : String(error);
	return (text.split("\n")[0] ?? "").trim();
}

/** Returns the `code` that Node, pg and others set on their errors, or "". */
export function codeOf(error: unknown): string {
	const code = (error as { code?: unknown } | null)?.code;
	return typeof code === "string" || typeof code === "number" ? String(code) : "";
}
