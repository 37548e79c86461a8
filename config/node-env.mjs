/** Allowed values of NODE_ENV; unset or empty means development. */
export const environments = ["development", "test", "production"];

/** The folders with programs, for programs that get no other variable. */
export const searchPath = process.env.PATH;

/**
 * Returns the kind of a process with this environment. This is the only place that reads NODE_ENV. It must run on Node
 * 20, for cli/run.mjs.
 *
 * @returns "development", "test" or "production".
 * @throws Error that names the variable, since a misspelt `production` would start embedded servers.
 */
export function nodeEnvironment(environment) {
	const value = environment.NODE_ENV || "development";
	if (environments.includes(value)) {
		return value;
	}
	throw new Error(`NODE_ENV must be ${environments.join(", ")} or unset, not ${JSON.stringify(value)}`);
}
