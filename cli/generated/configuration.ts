import { COMPOSE_VARIABLES, VARIABLE_GROUPS, type Variable } from "../../config/variables.ts";
import { namedServices } from "../../hosting/services.ts";
import { NEEDED } from "../../infra/external-services.ts";
import { code, document, table, WRITTEN } from "./markdown.ts";

const INTRODUCTION = `Every environment variable that Toko reads. The npm commands also read a file \`.env\` beside \`package.json\`; the
environment takes precedence. An empty variable counts as unset. A value that is not allowed is refused before anything
starts. The container image sets \`HOST\`, \`PORT\`, \`HEALTH_PORT\`, \`METRICS_PORT\` and \`NODE_ENV\`.

With \`NODE_ENV=production\`, a process refuses to start without the variables that one of its services requires. The
services are ${namedServices("").join(", ")}.

\`NODE_EXTRA_CA_CERTS\` is Node's own: it names a file of certificate authorities to trust.`;

const COMPOSE = `Only \`docker-compose.yml\` reads these. \`ops/make-secrets\` writes them into \`ops/.env\` on a development machine.
Passwords consist of letters and digits.`;

/** Generates docs/reference/configuration.md from `config/variables.ts` and `infra/external-services.ts`. */
export function configurationReference(): string {
	const header = ["variable", "meaning", "default", "allowed values", "required in production by"];
	return document(
		WRITTEN,
		"# Configuration",
		INTRODUCTION,
		...Object.entries(VARIABLE_GROUPS).flatMap(([group, variables]) => [
			`## ${group}`,
			table(header, Object.entries(variables).map(row)),
		]),
		"## Docker Compose",
		COMPOSE,
		table(
			["variable", "meaning"],
			Object.entries(COMPOSE_VARIABLES).map(([name, meaning]) => [code(name), meaning]),
		),
	);
}

function row([name, variable]: [string, Variable]): string[] {
	const { meaning, default: value, unset = "", allowed, isList } = variable;
	const values = allowed.replaceAll("<", "\\<");
	return [
		code(name),
		meaning,
		value === undefined ? unset : code(value),
		isList ? `${values}; separated by commas or spaces` : values,
		requirers(name).join(", "),
	];
}

function requirers(name: string): string[] {
	const found = Object.keys(NEEDED).filter((service) => NEEDED[service]?.some((one) => one === name));
	return found.includes("*") ? ["every service"] : found;
}
