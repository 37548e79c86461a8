/**
 * Variables of the shell by which the libraries change their behaviour: those of PostgreSQL's own clients (read by pg,
 * pgpass and graphile-worker), of pg and graphile-worker themselves, of debug (Sequelize then prints every query with its
 * values) and of the loader of argon2. Toko is configured by its own variables alone.
 */
const FOREIGN =
	/^(PG[A-Z_]+|GRAPHILE_\w+|DATABASE_URL|NODE_PG_FORCE_NATIVE|NO_LOG_SUCCESS|DEBUG|NAPI_RS_\w+|ETHEREAL_\w+|READABLE_STREAM)$/;

/** What the shell asked of connections to PostgreSQL, and no longer gets. */
export const sslModeOfShell = process.env.PGSSLMODE;

/**
 * Removes those variables from the environment of this process, and so of the processes that it starts. Runs when this module
 * is loaded, which has to be before any of the libraries, and again before each connection.
 */
export function dropForeignVariables(): void {
	for (const name of Object.keys(process.env)) {
		if (FOREIGN.test(name)) {
			delete process.env[name];
		}
	}
}

dropForeignVariables();
// An empty variable is an unset one; Node would take this for an unknown time zone.
if (process.env.TZ === "") {
	delete process.env.TZ;
}
