import { readFile } from "node:fs/promises";
import openapiTypescript, { astToString } from "openapi-typescript";
import { openApiDocument } from "../../services/api/openapi.ts";
import { resilienceTable } from "./resilience-table.ts";

const RESILIENCE = new URL("../../docs/reference/resilience.md", import.meta.url);

/** What is written from the contracts and kept in the repository: the API's document, the types of its clients, a table. */
export async function apiFiles(): Promise<[URL, string][]> {
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
	];
}
