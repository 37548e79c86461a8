import { readdir, readFile } from "node:fs/promises";
import { VARIABLES, type VariableName } from "../../config/variables.ts";
import type { ServiceContract, StoreKind } from "../../contracts/contract.ts";
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

/** Names in docker-compose.yml: the variable with the address of a store, and its container. */
const STORES = {
	PostgreSQL: { variable: "POSTGRES_URL", alias: "*postgres-url", server: "postgres" },
	MongoDB: { variable: "MONGO_URL", alias: "*mongo-url", server: "mongo" },
} as const;

/** Defaults in docker-compose.yml that differ from those of a process. */
const DEFAULTS: Partial<Record<VariableName, string>> = { AUDIT_EVERY: "24h" };

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
			databases: usersOf("PostgreSQL"),
			documents: usersOf("MongoDB"),
		}),
		await withRegions(new URL("secrets.example.yaml", KUBERNETES), {
			services: services.map((service) => secret(service, settings)),
		}),
	];
}

/** Mark in the first line of each file made from the template. */
const MARK = "Written by `npm run openapi` from cli/generated/kubernetes.template.";

/** Returns the manifests in a folder that were generated for services that are in no contract any more. */
export async function staleManifests(folder = KUBERNETES): Promise<URL[]> {
	const stale: URL[] = [];
	for (const name of await readdir(folder)) {
		const file = new URL(name, folder);
		if (!name.endsWith(".yaml") || services.some((service) => name === `${service.name}.yaml`)) {
			continue;
		}
		const [first = ""] = (await readFile(file, "utf8")).split("\n", 1);
		if (first.endsWith(MARK)) {
			stale.push(file);
		}
	}
	return stale;
}

/** Returns the services that are given the address of a store, for a list. */
function usersOf(kind: StoreKind): string[] {
	return services.filter((service) => storesOf(service).includes(kind)).map(({ name }) => `- ${name}`);
}

/** Returns the stores of which a service is given the address, its own first. */
function storesOf({ store, audits = [] }: ServiceContract): StoreKind[] {
	return [...(store ? [store] : []), ...audits];
}

/** Returns the service whose Secret has the address of a store. */
function ownerOf(kind: StoreKind): string {
	return services.find(({ store }) => store === kind)?.name ?? "";
}

function manifest({ name, about, audits = [] }: ServiceContract, template: string): string {
	const borrowed = audits.map(
		(kind) => `            - name: ${STORES[kind].variable}
              valueFrom: { secretKeyRef: { name: toko-${ownerOf(kind)}, key: ${STORES[kind].variable} } }
`,
	);
	const values: Record<string, string> = {
		...{ name, about },
		env:
			borrowed.length > 0
				? `          # Of other services' Secrets only the addresses that the audit needs.\n          env:\n${borrowed.join("")}`
				: "",
		most: String(PODS_FOR_ORDERS_MAX[name] ?? PODS_MAX),
	};
	return template.replace(/\{\{(\w+)\}\}/g, (_, field: string) => values[field] ?? "");
}

function container(service: ServiceContract): string {
	const stores = storesOf(service).map((kind) => STORES[kind]);
	const [first, ...others] = stores.map(({ server }) => server);
	const after = [
		`<<: *after-${first ?? "nats"}`,
		...others.map((server) => `${server}:\n      condition: service_healthy`),
	];
	const required = variablesOf(service, "required").map(
		(name) => `${name}: \${${name}:?run ops/make-secrets}`,
	);
	const optional = variablesOf(service, "optional").map(
		(name) => `${name}: \${${name}:-${DEFAULTS[name] ?? VARIABLES[name].default ?? ""}}`,
	);
	return `${service.name}:
  <<: *service
  command: [${service.name}]
  environment:
    <<: *environment
${[...stores.map(({ variable, alias }) => `${variable}: ${alias}`), ...required, ...optional].map((line) => `    ${line}\n`).join("")}  depends_on:${others.length > 0 ? after.map((line) => `\n    ${line}`).join("") : ` *after-${first ?? "nats"}`}`;
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
