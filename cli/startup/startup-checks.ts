/*
 * Imported first by every command: it checks the arguments, then the settings by loading them, before other modules load.
 */
import "../../processes/tick-objects.ts";
import "../../hosting/closed-output.ts";
import "./argument-checks.ts";

import { sslModeOfShell } from "../../config/environment.ts";
import { misspeltVariables } from "../../config/misspelt.ts";
import { settings } from "../../config/settings.ts";

const { POSTGRES_URL = "?ssl" } = settings.variables;
if (/^(require|verify)/.test(sslModeOfShell ?? "") && !/[?&]ssl/.test(POSTGRES_URL)) {
	console.error(`warning: PGSSLMODE does not count: add sslmode=verify-full to POSTGRES_URL for TLS`);
}
for (const [name, right] of misspeltVariables()) {
	console.error(`warning: ${name} is set, but unknown to Toko: did you mean ${right}?`);
}
