import { readFile } from "node:fs/promises";
import { VARIABLES, type VariableName } from "../../config/variables.ts";
import type { ServiceContract } from "../../contracts/contract.ts";
import { contracts } from "../../contracts/services.ts";

const ROOT = new URL("../../", import.meta.url);
const KUBERNETES = new URL("ops/kubernetes/", ROOT);

/** At most so many pods: more of those that every order needs. PostgreSQL has connections for all of them. */
const PODS_MAX = 4;
const PODS_FOR_ORDERS_MAX: Record<string, number> = { users: 6, products: 6, orders: 6 };

/** Values in `secrets.example.yaml` that are more than a secret to fill in. */
const EXAMPLES: Record<string, string> = {
	POSTGRES_URL: "postgres://toko:CHANGE_ME@postgres-rw:5432/postgres",
	MONGO_URL: "mongodb://toko:CHANGE_ME@mongo-svc:27017/?authSource=toko_products&replicaSet=mongo",
	SMTP_URL: "smtp://toko:CHANGE_ME@mail.example:587",
	ADMIN_EMAIL: "admin@shop.example",
};

/** How docker-compose.yml calls the address of a store and the wait for it. */
const STORES = {
	PostgreSQL: { variable: "POSTGRES_URL", alias: "*postgres-url", after: "*after-postgres" },
	MongoDB: { variable: "MONGO_URL", alias: "*mongo-url", after: "*after-mongo" },
};

/** Services by their contracts, a later version of one left out. */
const services: ServiceContract[] = [...new Map(contracts.map((one) => [one.name, one])).values()];

/** docker-compose.yml and the manifests for Kubernetes, as the contracts have them. */
export async function deployments(): Promise<[URL, string][]> {
	const settings = await readFile(new URL("settings.yaml", KUBERNETES), "utf8");
	const template = await readFile(new URL("kubernetes.template", import.meta.url), "utf8");
	return [
		...services.map((service): [URL, string] => [
			new URL(`${service.name}.yaml`, KUBERNETES),
			manifest(service, template),
		]),
		await withRegions(new URL("docker-compose.yml", ROOT), {
			started: services.map(({ name }) => `${name}:\n  condition: service_started`),
			services: [services.map(container).join("\n\n")],
		}),
		await withRegions(new URL("kustomization.yaml", KUBERNETES), {
			services: services.map(({ name }) => `- ${name}.yaml`),
		}),
		await withRegions(new URL("network.yaml", KUBERNETES), {
			databases: services.filter(({ store }) => store === "PostgreSQL").map(({ name }) => `- ${name}`),
		}),
		await withRegions(new URL("secrets.example.yaml", KUBERNETES), {
			services: services.map((service) => secret(service, settings)),
		}),
	];
}

function manifest({ name, about }: ServiceContract, template: string): string {
	const values: Record<string, string> = {
		...{ name, about },
		most: String(PODS_FOR_ORDERS_MAX[name] ?? PODS_MAX),
	};
	return template.replace(/\{\{(\w+)\}\}/g, (_, field: string) => values[field] ?? "");
}

function container(service: ServiceContract): string {
	const store = service.store && STORES[service.store];
	const required = variablesOf(service, "required").map(
		(name) => `${name}: \${${name}:?run ops/make-secrets}`,
	);
	const optional = variablesOf(service, "optional").map(
		(name) => `${name}: \${${name}:-${VARIABLES[name].default ?? ""}}`,
	);
	return `${service.name}:
  <<: *service
  command: [${service.name}]
  environment:
    <<: *environment
${[...(store ? [`${store.variable}: ${store.alias}`] : []), ...required, ...optional].map((line) => `    ${line}\n`).join("")}  depends_on: ${store?.after ?? "*after-nats"}`;
}

/** Settings that are not secret are in settings.yaml, for all services. */
function secret(service: ServiceContract, settings: string): string {
	const own = [...variablesOf(service, "required"), ...variablesOf(service, "optional")];
	const names = [
		...(service.store ? [STORES[service.store].variable] : []),
		...own.filter((name) => !settings.includes(`  ${name}: `)),
	];
	const rare = variablesOf(service, "rare");
	return `apiVersion: v1
kind: Secret
metadata:
  name: toko-${service.name}
stringData:
${names.map((name) => `  ${name}: ${EXAMPLES[name] ?? "CHANGE_ME"}\n`).join("")}${rare.length > 0 ? `  # Add where they are used: ${rare.join(", ")}.\n` : ""}---`;
}

function variablesOf({ variables = {} }: ServiceContract, use: string): VariableName[] {
	return (Object.keys(variables) as VariableName[]).filter((name) => variables[name] === use);
}

/** A file in which the lines between `# <name>` and `# </name>` are those given, as far indented as the first of these is. */
async function withRegions(file: URL, regions: Record<string, string[]>): Promise<[URL, string]> {
	let text = await readFile(file, "utf8");
	for (const [name, parts] of Object.entries(regions)) {
		text = text.replace(
			new RegExp(`^([ \\t]*)(# <${name}>.*\\n)[^]*?(?=^[ \\t]*# </${name}>)`, "m"),
			(_, indent: string, opening: string) =>
				`${indent}${opening}${parts.join("\n").replace(/^(?=.)/gm, indent)}\n`,
		);
	}
	return [file, text];
}
