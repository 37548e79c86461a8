/** Allowed values of NODE_ENV; unset or empty means development. */
export const environments = ["development", "test", "production"];

/**
 * Returns the kind of this process. This is the only place that reads NODE_ENV. It must run on Node 20, for
 * cli/run.mjs.
 *
 * @returns "development", "test" or "production".
 * @throws Error that names the variable, since a misspelt `production` would start embedded servers.
 */
export function nodeEnvironment() {
	const given = process.env.NODE_ENV || "development";
	if (environments.includes(given)) return given;
	throw new Error(`NODE_ENV must be ${environments.join(", ")} or unset, not ${JSON.stringify(given)}`);
}
