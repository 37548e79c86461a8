import { settings } from "../config/settings.ts";
import type { ServiceContract, VariableUse } from "../contracts/contract.ts";
import { contracts } from "../contracts/services.ts";
import { checkGiven, type UrlVariable, warnOfPlainNats } from "./connection-checks.ts";
import type { BackingService, BackingServiceName } from "./services-file.ts";
import { StartError } from "./start-error.ts";
import { weakness } from "./weak-secrets.ts";

/** The server that a variable of the environment names, which must answer. */
export async function externalService(
	name: BackingServiceName,
	variable: UrlVariable,
): Promise<BackingService> {
	return { name, took: variable, where: await checkGiven(variable, process.env[variable] as string) };
}

/** The variable with the address of each sort of store. */
const STORES = { PostgreSQL: "POSTGRES_URL", MongoDB: "MONGO_URL" } as const;

/** What a process in production must be given, by the services that it hosts (`*`: any); no more, so that no secret is where it is not needed. */
export const NEEDED: Record<string, string[]> = {
	"*": ["NATS_URL", "TOKO_SECRET"],
	...Object.fromEntries(
		contracts.map((one: ServiceContract) => [
			one.name,
			[...(one.store ? [STORES[one.store]] : []), ...variablesOf(one, "required")],
		]),
	),
};

/** The secrets that they may be given beside that. */
const OPTIONAL: Record<string, string[]> = Object.fromEntries(
	contracts.map((one) => [
		one.name,
		variablesOf(one, "optional", "rare").filter((name) => /SECRET|PASSWORD|_URL$/.test(name)),
	]),
);

function variablesOf({ variables = {} }: ServiceContract, ...uses: VariableUse[]): string[] {
	return Object.entries(variables).flatMap(([name, use]) => (uses.includes(use) ? [name] : []));
}

const PARTS: [BackingServiceName, UrlVariable][] = [
	["PostgreSQL", "POSTGRES_URL"],
	["NATS", "NATS_URL"],
	["Products", "MONGO_URL"],
];

/**
 * The parts of these services from the environment, as in production.
 *
 * @throws StartError that names at once all that is missing, and all that everybody could guess.
 */
export async function externalServices(
	services: string[],
	say: (line: string) => void,
): Promise<BackingService[]> {
	const needed = checkEnvironment(services);
	const parts = await Promise.all(
		PARTS.filter(([, variable]) => needed.has(variable)).map(([name, variable]) =>
			externalService(name, variable),
		),
	);
	if (settings.isProduction) await warnOfPlainNats(process.env.NATS_URL as string, say);
	return parts;
}

function checkEnvironment(services: string[]): Set<string> {
	const hosted = ["*", ...services];
	const needed = new Set(hosted.flatMap((service) => NEEDED[service] ?? []));
	if (services.includes("notifications") && process.env.SMS_URL) needed.add("SMS_SECRET");
	// The laptop's own servers and secrets can be given to a second process as well, whatever they are.
	if (!settings.isProduction) return needed;
	const missing = [...needed].filter((name) => !process.env[name]);
	const given = new Set([...needed, ...hosted.flatMap((service) => OPTIONAL[service] ?? [])]);
	const weak = [...given].flatMap((name) => {
		const why = weakness(name, process.env[name] ?? "");
		return process.env[name] && why ? [`${name} (${why})`] : [];
	});
	const wishes = [
		missing.length > 0 ? `set ${missing.join(", ")}` : "",
		weak.length > 0 ? `replace ${weak.join(", ")}` : "",
	].filter((wish) => wish !== "");
	if (wishes.length > 0)
		throw new StartError(`NODE_ENV=production starts nothing by itself: ${wishes.join("; ")}`);
	return needed;
}
