import { checkGiven, type UrlVariable } from "./given-servers.ts";
import type { Part, PartName } from "./parts-file.ts";
import { StartError } from "./start-error.ts";

/** The server that a variable of the environment names, which must answer. */
export async function givenPart(name: PartName, variable: UrlVariable): Promise<Part> {
	return { name, took: variable, where: await checkGiven(variable, process.env[variable] as string) };
}

/** All parts from the environment, as in production: all that is missing is named at once. */
export async function givenParts(): Promise<Part[]> {
	const needed = ["POSTGRES_URL", "NATS_URL", "MONGO_URL", "TOKO_SECRET", "PAYMENT_WEBHOOK_SECRET"];
	const missing = needed.filter((name) => !process.env[name]);
	if (missing.length > 0)
		throw new StartError(`NODE_ENV=production starts nothing by itself: set ${missing.join(", ")}`);
	return Promise.all([
		givenPart("PostgreSQL", "POSTGRES_URL"),
		givenPart("NATS", "NATS_URL"),
		givenPart("Products", "MONGO_URL"),
	]);
}
