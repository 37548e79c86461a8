import { VARIABLES } from "./variables.ts";

/**
 * Environment variables that change the behaviour of libraries: those of PostgreSQL's own clients (read by pg, pgpass
 * and graphile-worker), of pg and graphile-worker themselves, of debug (which makes Sequelize print every query with
 * its values) and of the loader of argon2. Toko reads only its own variables.
 */
const FOREIGN =
	/^(PG[A-Z_]+|GRAPHILE_\w+|DATABASE_URL|NODE_PG_FORCE_NATIVE|NO_LOG_SUCCESS|DEBUG|NAPI_RS_\w+|ETHEREAL_\w+|READABLE_STREAM)$/;

/** The `PGSSLMODE` of the shell, which Toko ignores; for a warning. */
export const sslModeOfShell = process.env.PGSSLMODE;

/** True if an error that ends the process shows its stack. Not among the settings, since these may be the error. */
export const showsStacks = /^(debug|trace)$/.test(process.env.LOG_LEVEL ?? "");

/** Folder in which the person at the shell has run the npm script. */
export const callersFolder = process.env.INIT_CWD ?? ".";

/** Returns the variables of this process that are not Toko's, for child processes. */
export function inheritedVariables(): NodeJS.ProcessEnv {
	return Object.fromEntries(Object.entries(process.env).filter(([name]) => !Object.hasOwn(VARIABLES, name)));
}

/**
 * Removes these variables from the environment of this process, and so of its child processes. Runs when this module is
 * loaded, which must be before any of the libraries, and again before each connection.
 */
export function dropForeignVariables(): void {
	for (const name of Object.keys(process.env)) {
		if (FOREIGN.test(name)) {
			delete process.env[name];
		}
	}
}

dropForeignVariables();
// An empty variable counts as unset; Node would read an empty TZ as an unknown time zone.
if (process.env.TZ === "") {
	delete process.env.TZ;
}
