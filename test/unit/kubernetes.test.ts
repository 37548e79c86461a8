import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { describe, expect, test } from "@jest/globals";
import { readSettings } from "../../config/settings.ts";
import { namedServices } from "../../hosting/services.ts";
import { NEEDED } from "../../infra/external-services.ts";
import { type Manifest, problems } from "./kubernetes-schemas.ts";

const { load, loadAll } = createRequire(import.meta.url)("js-yaml") as {
	load(text: string): unknown;
	loadAll(text: string): unknown[];
};

const folder = new URL("../../ops/kubernetes/", import.meta.url);
const kustomizationText = await text("kustomization.yaml");
const kustomization = load(kustomizationText) as { resources: string[] };

async function text(file: string): Promise<string> {
	return readFile(new URL(file, folder), "utf8");
}

async function things(file: string): Promise<Manifest[]> {
	return loadAll(await text(file)) as Manifest[];
}

const all = (await Promise.all(kustomization.resources.map(things))).flat();
const secrets = (await things("secrets.example.yaml")) as (Manifest & {
	stringData: Record<string, string>;
})[];
const services = namedServices("");

/** A variable of a container from the Secret of another service. */
function borrowedFrom(secret: string, variable: string) {
	return { name: variable, valueFrom: { secretKeyRef: { name: secret, key: variable } } };
}

interface Probe {
	httpGet: { path: string; port: string };
}

interface Container {
	name: string;
	image: string;
	args: string[];
	envFrom: { configMapRef?: { name: string }; secretRef?: { name: string } }[];
	env?: unknown[];
	ports: { name: string; containerPort: number }[];
	startupProbe: Probe;
	livenessProbe: Probe;
	readinessProbe: Probe;
	lifecycle?: { preStop: { sleep: { seconds: number } } };
	resources: Record<"requests" | "limits", Record<"cpu" | "memory", string>>;
	securityContext: object;
}

interface Pod {
	serviceAccountName: string;
	automountServiceAccountToken: boolean;
	securityContext: object;
	terminationGracePeriodSeconds: number;
	topologySpreadConstraints: unknown[];
	containers: [Container];
	volumes: unknown[];
}

type Labels = Record<string, string>;

interface Selector {
	matchLabels?: Labels;
	matchExpressions?: { key: string; operator: "In"; values: string[] }[];
}

function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
	return (
		Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
		matchExpressions.every(({ key, values }) => values.includes(labels[key] ?? ""))
	);
}

/** Returns the object of this kind and name, which must exist. */
function one<T>(kind: string, name: string): T {
	const found = all.filter((thing) => thing.kind === kind && thing.metadata.name === name);
	expect({ kind, name, found: found.length }).toEqual({ kind, name, found: 1 });
	return found[0] as T;
}

function deployment(name: string) {
	return one<{
		spec: {
			replicas?: number;
			selector: { matchLabels: Labels };
			strategy: { rollingUpdate: object };
			template: { metadata: { labels: Labels }; spec: Pod };
		};
	}>("Deployment", name).spec;
}

const settings = one<{ data: Record<string, string> }>("ConfigMap", "toko").data;

const monitoring = (
	await Promise.all(
		(await readdir(new URL("monitoring/", folder))).map((file) => things(`monitoring/${file}`)),
	)
).flat();

test("Kubernetes takes every manifest, and knows every field", () => {
	for (const thing of [...all, ...secrets, ...monitoring]) {
		expect({ thing: `${thing.kind} ${thing.metadata.name}`, problems: problems(thing) }).toEqual({
			thing: `${thing.kind} ${thing.metadata.name}`,
			problems: [],
		});
	}
});

test.each([
	["an unknown field", "livenessProbe:", "livenesProbe:", /unknown field .*livenesProbe/],
	["a wrong type", "failureThreshold: 30", 'failureThreshold: "many"', /failureThreshold.*integer/],
	["a missing field", "  selector:\n    matchLabels", "  choice:\n    matchLabels", /selector/],
	["a value that is none", "cpu: 250m", "cpu: a lot", /cpu/],
	["a kind that is none", "kind: Deployment", "kind: Deploiment", /no schema for apps.v1 Deploiment/],
])("%s is found", async (_, right, wrong, expected) => {
	const manifest = await text("orders.yaml");
	expect(manifest).toContain(right);
	const changed = loadAll(manifest.replace(right, wrong)) as Manifest[];
	expect(changed.flatMap(problems).join("\n")).toMatch(expected);
});

test("every service of the shop has its manifests, and kustomization.yaml names every file", async () => {
	const deployed = all.filter(({ kind }) => kind === "Deployment").map(({ metadata }) => metadata.name);
	expect(deployed.sort()).toEqual(services.toSorted());
	const files = (await readdir(folder)).filter((file) => file.endsWith(".yaml"));
	const own = ["kustomization.yaml", "secrets.example.yaml", "secrets.yaml"];
	expect(files.filter((file) => !own.includes(file)).sort()).toEqual(kustomization.resources.toSorted());
});

describe.each(services)("%s", (name) => {
	test("tells when it is started, alive and ready, on the port for health", () => {
		const [container] = deployment(name).template.spec.containers;
		expect(container.ports).toContainEqual({ name: "health", containerPort: Number(settings.HEALTH_PORT) });
		expect(container.startupProbe.httpGet).toEqual({ path: "/health/live", port: "health" });
		expect(container.livenessProbe.httpGet).toEqual({ path: "/health/live", port: "health" });
		expect(container.readinessProbe.httpGet).toEqual({ path: "/health/ready", port: "health" });
	});

	test("serves its metrics on a fixed port that Prometheus alone may reach", () => {
		const [container] = deployment(name).template.spec.containers;
		const port = Number(settings.METRICS_PORT);
		expect(container.ports).toContainEqual({ name: "metrics", containerPort: port });
		const { podSelector, ingress } = one<{
			spec: { podSelector: Selector; ingress: [{ ports: object[] }] };
		}>("NetworkPolicy", "toko-metrics").spec;
		expect(selects(podSelector, deployment(name).template.metadata.labels)).toBe(true);
		// The second one is the delivery worker's.
		expect(ingress[0].ports).toEqual([port, port + 1].map((port) => ({ port, protocol: "TCP" })));
	});

	test("runs one service of the image, with requests and limits", () => {
		const [container, ...more] = deployment(name).template.spec.containers as Container[];
		expect(more).toEqual([]);
		expect(container).toMatchObject({ image: "toko", args: [name] });
		for (const amount of ["requests", "limits"] as const) {
			expect(container?.resources[amount]).toEqual({ cpu: expect.any(String), memory: expect.any(String) });
		}
	});

	test("may do what docker-compose.yml lets it do: not root, read-only, no capability, no token", () => {
		const pod = deployment(name).template.spec;
		expect(pod).toMatchObject({ serviceAccountName: "toko", automountServiceAccountToken: false });
		expect(pod.securityContext).toMatchObject({
			runAsNonRoot: true,
			seccompProfile: { type: "RuntimeDefault" },
		});
		expect(pod.containers[0].securityContext).toEqual({
			readOnlyRootFilesystem: true,
			allowPrivilegeEscalation: false,
			capabilities: { drop: ["ALL"] },
		});
	});

	test("is given what it needs in production, and no other service's secrets", () => {
		const [{ envFrom, env = [] }] = deployment(name).template.spec.containers;
		// For its audits, which read the products.
		const borrowed = name === "orders" ? [borrowedFrom("toko-products", "MONGO_URL")] : [];
		expect(env).toEqual(borrowed);
		if (borrowed.length > 0) {
			const owner = secrets.find(({ metadata }) => metadata.name === "toko-products");
			expect(Object.keys(owner?.stringData ?? {})).toContain("MONGO_URL");
		}
		const names = envFrom.flatMap(({ secretRef }) => (secretRef ? [secretRef.name] : []));
		expect(names).toEqual(name === "api" ? ["toko"] : ["toko", `toko-${name}`]);
		const given = names.flatMap((secret) =>
			Object.keys(secrets.find(({ metadata }) => metadata.name === secret)?.stringData ?? {}),
		);
		const needed = [...(NEEDED["*"] as string[]), ...(NEEDED[name] ?? [])];
		const first = name === "users" ? ["ADMIN_EMAIL", "ADMIN_PASSWORD"] : [];
		expect(given.sort()).toEqual([...needed, ...first].sort());
	});

	test("reaches the databases that it has an address of, and no other", () => {
		for (const [variable, policy] of [
			["POSTGRES_URL", "toko-postgres"],
			["MONGO_URL", "toko-mongo"],
		] as const) {
			const { podSelector } = one<{ spec: { podSelector: Selector } }>("NetworkPolicy", policy).spec;
			const isReached = selects(podSelector, deployment(name).template.metadata.labels);
			const isAuditing = name === "orders" && variable === "MONGO_URL";
			const isNeeded = isAuditing || (NEEDED[name]?.includes(variable) ?? false);
			expect({ policy, isReached }).toEqual({ policy, isReached: isNeeded });
		}
	});

	test("trusts the authority of NATS and has nothing else of its Secret", () => {
		expect(settings.NODE_EXTRA_CA_CERTS).toBe("/etc/toko/ca.crt");
		expect(deployment(name).template.spec.volumes).toEqual([
			{ name: "authority", secret: { secretName: "nats-tls", items: [{ key: "ca.crt", path: "ca.crt" }] } },
		]);
	});

	test("is replaced without a gap, has time to finish, and is spread over nodes and zones", () => {
		const { strategy, template } = deployment(name);
		expect(strategy.rollingUpdate).toMatchObject({ maxUnavailable: 0 });
		const pause_s = template.spec.containers[0].lifecycle?.preStop.sleep.seconds ?? 0;
		const finishing_s = Number(settings.SHUTDOWN_SECONDS) + pause_s;
		expect(template.spec.terminationGracePeriodSeconds).toBeGreaterThan(finishing_s);
		expect(template.spec.topologySpreadConstraints).toHaveLength(2);
	});

	test("has a disruption budget, and an autoscaler that keeps at least two", () => {
		const { selector, template, replicas } = deployment(name);
		expect(template.metadata.labels).toEqual(selector.matchLabels);
		expect(replicas).toBeUndefined();
		const budget = one<{ spec: object }>("PodDisruptionBudget", name);
		expect(budget.spec).toMatchObject({ maxUnavailable: 1, selector });
		const scaler = one<{ spec: { minReplicas: number; maxReplicas: number } }>(
			"HorizontalPodAutoscaler",
			name,
		);
		expect(scaler.spec).toMatchObject({ scaleTargetRef: { kind: "Deployment", name }, minReplicas: 2 });
		expect(scaler.spec.maxReplicas).toBeGreaterThan(2);
	});
});

test("orders audits the shop often enough that no alert says that it is overdue", () => {
	const every = readSettings({ AUDIT_EVERY: settings.AUDIT_EVERY as string }).auditEvery_ms;
	expect(every).toBeLessThanOrEqual(24 * 3600 * 1000);
});

test("the audit may do what the services may, reaches all databases, and runs only when it is told to", () => {
	const { spec } = one<{
		spec: {
			suspend: boolean;
			jobTemplate: { spec: { template: { metadata: { labels: Labels }; spec: Pod } } };
		};
	}>("CronJob", "audit");
	expect(spec.suspend).toBe(true);
	const { metadata, spec: pod } = spec.jobTemplate.spec.template;
	const service = deployment("orders").template.spec;
	for (const field of [
		"securityContext",
		"serviceAccountName",
		"automountServiceAccountToken",
		"volumes",
	] as const) {
		expect(pod[field]).toEqual(service[field]);
	}
	expect(pod.containers[0].securityContext).toEqual(service.containers[0].securityContext);
	const given = (pod.containers[0].env ?? []) as {
		name: string;
		valueFrom: { secretKeyRef: { name: string; key: string } };
	}[];
	expect(given.map(({ name }) => name)).toEqual(["POSTGRES_URL", "MONGO_URL"]);
	for (const { name, valueFrom } of given) {
		const { secretKeyRef } = valueFrom;
		expect(secretKeyRef.key).toBe(name);
		const secret = secrets.find(({ metadata }) => metadata.name === secretKeyRef.name);
		expect(Object.keys(secret?.stringData ?? {})).toContain(name);
	}
	for (const policy of ["toko-postgres", "toko-mongo"]) {
		const { podSelector } = one<{ spec: { podSelector: Selector } }>("NetworkPolicy", policy).spec;
		expect(selects(podSelector, metadata.labels)).toBe(true);
	}
});

test("the gateway's Service leads to the gateway, and nothing else can be reached", () => {
	const { spec } = one<{ spec: { selector: Labels; ports: object[] } }>("Service", "api");
	expect(spec.selector).toEqual(deployment("api").selector.matchLabels);
	expect(spec.ports).toEqual([{ name: "http", port: 80, targetPort: "http" }]);
	expect(all.filter(({ kind }) => kind === "Service")).toHaveLength(1);
	const open = all.filter(
		(thing) => thing.kind === "NetworkPolicy" && "ingress" in (thing as unknown as { spec: object }).spec,
	);
	expect(open.map(({ metadata }) => metadata.name)).toEqual([
		...["toko-gateway", "toko-metrics", "toko-processes"],
	]);
	for (const name of ["toko-metrics", "toko-processes"]) {
		const { ingress } = one<{ spec: { ingress: [{ from: object[] }] } }>("NetworkPolicy", name).spec;
		const namespaces = ["monitoring"].map((namespace) => ({
			namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": namespace } },
		}));
		expect({ name, from: ingress.map(({ from }) => from) }).toEqual({ name, from: [namespaces] });
	}
});

test("Prometheus asks the gateway for the processes, by its Service, and expects those that autoscalers keep", () => {
	const scraping = monitoring.find(({ kind }) => kind === "ScrapeConfig") as unknown as {
		spec: { jobName: string; httpSDConfigs: { url: string }[] };
	};
	expect(scraping.spec.jobName).toBe("toko");
	const namespace = (load(kustomizationText) as { namespace: string }).namespace;
	expect(scraping.spec.httpSDConfigs.map(({ url }) => url)).toEqual([
		`http://${one<Manifest>("Service", "api").metadata.name}.${namespace}.svc/metrics/targets`,
	]);
	const { spec } = monitoring.find(({ kind }) => kind === "PrometheusRule") as unknown as {
		spec: { groups: { rules: { record?: string; expr: string; labels: Labels }[] }[] };
	};
	const expected = spec.groups
		.flatMap(({ rules }) => rules)
		.filter(({ record }) => record === "toko:processes:expected")
		.map(({ labels, expr }) => [labels.service, expr]);
	const kept = services.map((name) => {
		const { minReplicas } = one<{ spec: { minReplicas: number } }>("HorizontalPodAutoscaler", name).spec;
		return [name, `vector(${minReplicas})`];
	});
	expect(expected.sort()).toEqual(kept.sort());
});

test("every secret is to be filled in, and the servers' examples are readable", async () => {
	for (const { stringData, metadata } of secrets) {
		for (const [key, value] of Object.entries(stringData)) {
			const isOpen = /PASSWORD|SECRET|_URL$|^(toko|system|password)$/.test(key);
			expect({ secret: metadata.name, key, isLeft: value.includes("CHANGE_ME") }).toEqual({
				secret: metadata.name,
				key,
				isLeft: isOpen,
			});
		}
	}
	const servers = new URL("servers/", folder);
	for (const file of await readdir(servers)) {
		expect(loadAll(await readFile(new URL(file, servers), "utf8")).length).toBeGreaterThan(0);
	}
});
