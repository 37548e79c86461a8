/** The values of NODE_ENV; unset or empty is development. */
export const environments = ["development", "test", "production"];

/**
 * What kind of process this is. The one place that reads NODE_ENV; Node 20 must be enough here, for cli/run.mjs.
 *
 * @returns "development", "test" or "production".
 * @throws Error that names the variable: a misspelt `production` would start embedded servers.
 */
export function nodeEnvironment() {
	const given = process.env.NODE_ENV || "development";
	if (environments.includes(given)) return given;
	throw new Error(`NODE_ENV must be ${environments.join(", ")} or unset, not ${JSON.stringify(given)}`);
}
