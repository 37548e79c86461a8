import { checkGiven, type UrlVariable } from "./given-servers.ts";
import type { Part, PartName } from "./parts-file.ts";
import { StartError } from "./start-error.ts";

/** The server that a variable of the environment names, which must answer. */
export async function givenPart(name: PartName, variable: UrlVariable): Promise<Part> {
	return { name, took: variable, where: await checkGiven(variable, process.env[variable] as string) };
}

/** What a process in production must be given, by the services that it hosts (`*`: any); no more, so that no secret is where it is not needed. */
const NEEDED: Record<string, string[]> = {
	"*": ["NATS_URL", "TOKO_SECRET"],
	users: ["POSTGRES_URL"],
	products: ["MONGO_URL"],
	orders: ["POSTGRES_URL", "PAYMENT_WEBHOOK_SECRET"],
	notifications: ["POSTGRES_URL", "SMTP_URL"],
};

const PARTS: [PartName, UrlVariable][] = [
	["PostgreSQL", "POSTGRES_URL"],
	["NATS", "NATS_URL"],
	["Products", "MONGO_URL"],
];

/** The parts of these services from the environment, as in production: all that is missing is named at once. */
export async function givenParts(services: string[]): Promise<Part[]> {
	const needed = new Set(["*", ...services].flatMap((service) => NEEDED[service] ?? []));
	if (services.includes("notifications") && process.env.SMS_URL) needed.add("SMS_SECRET");
	const missing = [...needed].filter((name) => !process.env[name]);
	if (missing.length > 0)
		throw new StartError(`NODE_ENV=production starts nothing by itself: set ${missing.join(", ")}`);
	return Promise.all(
		PARTS.filter(([, variable]) => needed.has(variable)).map(([name, variable]) => givenPart(name, variable)),
	);
}
