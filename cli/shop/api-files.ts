import openapiTypescript, { astToString } from "openapi-typescript";
import { openApiDocument } from "../../services/api/openapi.ts";

/** The API's document and the types of its clients, as they are kept in the repository. */
export async function apiFiles(): Promise<[URL, string][]> {
	const document = openApiDocument();
	const types = await openapiTypescript(JSON.stringify(document));
	return [
		[new URL("../../docs/openapi.json", import.meta.url), `${JSON.stringify(document, null, "\t")}\n`],
		[
			new URL("../../test/e2e/api-types.ts", import.meta.url),
			`// Written by \`npm run openapi\`.\n\n${astToString(types)}`,
		],
	];
}
