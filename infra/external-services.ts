import { settings } from "../config/settings.ts";
import type { VariableName } from "../config/variables.ts";
import type { ServiceContract, VariableUse } from "../contracts/contract.ts";
import { contracts } from "../contracts/services.ts";
import { checkConnection, type UrlVariable, warnOfPlainNats } from "./connection-checks.ts";
import { type BackingServiceName, type FoundService, type FoundServices, together } from "./services-file.ts";
import { StartError } from "./start-error.ts";
import { weakness } from "./weak-secrets.ts";

/** Returns the external server that a variable names, after checking that it responds. */
export async function externalService(
	name: BackingServiceName,
	variable: UrlVariable,
): Promise<FoundService> {
	const where = await checkConnection(variable, settings.variables[variable] as string);
	return { service: { name, took: variable, where }, variables: {} };
}

/** Variable with the URL of each backing service. */
export const URLS: Record<BackingServiceName, UrlVariable> = {
	PostgreSQL: "POSTGRES_URL",
	NATS: "NATS_URL",
	Products: "MONGO_URL",
};

/** Variable with the URL of each kind of store. */
const STORES = { PostgreSQL: "POSTGRES_URL", MongoDB: "MONGO_URL" } as const;

/**
 * Variables that a process requires in production, by hosted service (`*`: any). A secret is required only where it is
 * used.
 */
export const NEEDED: Record<string, VariableName[]> = {
	"*": ["NATS_URL", "TOKO_SECRET"],
	...Object.fromEntries(
		contracts.map((one: ServiceContract) => [
			one.name,
			[...(one.store ? [STORES[one.store]] : []), ...variablesOf(one, "required")],
		]),
	),
};

/** Secrets that those services may have in addition. */
const OPTIONAL: Record<string, VariableName[]> = Object.fromEntries(
	contracts.map((one) => [
		one.name,
		variablesOf(one, "optional", "rare").filter((name) => /SECRET|PASSWORD|_URL$/.test(name)),
	]),
);

function variablesOf({ variables = {} }: ServiceContract, ...uses: VariableUse[]): VariableName[] {
	return Object.entries(variables).flatMap(([name, use]) =>
		uses.includes(use) ? [name as VariableName] : [],
	);
}

/**
 * Returns the external backing services of these services, as in production.
 *
 * @throws StartError that lists all missing variables and all guessable secrets at once.
 */
export async function externalServices(
	services: string[],
	print: (line: string) => void,
): Promise<FoundServices> {
	const needed = checkVariables(services);
	const found = await Promise.all(
		Object.entries(URLS)
			.filter(([, variable]) => needed.has(variable))
			.map(([name, variable]) => externalService(name as BackingServiceName, variable)),
	);
	if (settings.isProduction) {
		await warnOfPlainNats(settings.natsUrl, print);
	}
	return together(found, {});
}

function checkVariables(services: string[]): Set<VariableName> {
	const { variables } = settings;
	const hosted = ["*", ...services];
	const needed = new Set(hosted.flatMap((service) => NEEDED[service] ?? []));
	if (services.includes("notifications") && variables.SMS_URL) {
		needed.add("SMS_SECRET");
	}
	// Not checked outside production: a second process may be given the servers and secrets of a development shop.
	if (!settings.isProduction) {
		return needed;
	}
	const missing = [...needed].filter((name) => variables[name] === undefined);
	const settable = new Set([...needed, ...hosted.flatMap((service) => OPTIONAL[service] ?? [])]);
	const weak = [...settable].flatMap((name) => {
		const why = weakness(name, variables[name] ?? "");
		return variables[name] && why ? [`${name} (${why})`] : [];
	});
	const remedies = [
		missing.length > 0 ? `set ${missing.join(", ")}` : "",
		weak.length > 0 ? `replace ${weak.join(", ")}` : "",
	].filter((remedy) => remedy !== "");
	if (remedies.length > 0) {
		throw new StartError(`NODE_ENV=production starts nothing by itself: ${remedies.join("; ")}`);
	}
	return needed;
}
