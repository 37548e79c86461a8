import { readFile } from "node:fs/promises";
import openapiTypescript, { astToString } from "openapi-typescript";
import { monitoringFiles } from "../../monitoring/files.ts";
import { openApiDocument } from "../../services/api/openapi.ts";
import { actionsReference } from "./actions.ts";
import { commandsReference } from "./commands.ts";
import { configurationReference } from "./configuration.ts";
import { deployments } from "./deployments.ts";
import { errorsReference } from "./errors.ts";
import { eventsReference } from "./events.ts";
import { metricsReference } from "./metrics.ts";
import { resilienceTable } from "./resilience-table.ts";

const RESILIENCE = new URL("../../docs/reference/resilience.md", import.meta.url);

const REFERENCE = new URL("../../docs/reference/", import.meta.url);

/** Returns the files of the repository that are generated from the code, each with its text. */
export async function generatedFiles(): Promise<[URL, string][]> {
	const document = openApiDocument();
	const types = await openapiTypescript(JSON.stringify(document));
	const resilience = await readFile(RESILIENCE, "utf8");
	return [
		[new URL("../../docs/openapi.json", import.meta.url), `${JSON.stringify(document, null, "\t")}\n`],
		[
			new URL("../../test/e2e/api-types.ts", import.meta.url),
			`// Written by \`npm run openapi\`.\n\n${astToString(types)}`,
		],
		[
			RESILIENCE,
			resilience.replace(
				/(?<=<!-- actions -->\n)[\s\S]*(?=<!-- \/actions -->)/,
				() => `\n${resilienceTable()}\n\n`,
			),
		],
		[new URL("commands.md", REFERENCE), commandsReference()],
		[new URL("actions.md", REFERENCE), actionsReference()],
		[new URL("events.md", REFERENCE), eventsReference()],
		[new URL("errors.md", REFERENCE), errorsReference()],
		[new URL("configuration.md", REFERENCE), configurationReference()],
		[new URL("metrics.md", REFERENCE), metricsReference()],
		...(await deployments()),
		...monitoringFiles(),
	];
}
