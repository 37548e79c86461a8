import { PrometheusRule } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule";
import { ScrapeConfig } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1alpha1/ScrapeConfig";
import { Deployment } from "kubernetes-models/apps/v1";
import { HorizontalPodAutoscaler } from "kubernetes-models/autoscaling/v2";
import { CronJob } from "kubernetes-models/batch/v1";
import { NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { ConfigMap, Namespace, Secret, Service, ServiceAccount } from "kubernetes-models/v1";

/** An object of Kubernetes. */
export interface Manifest {
	apiVersion: string;
	kind: string;
	metadata: { name: string };
}

/** Built-in kinds of Kubernetes, with their published schemas. */
const KINDS = [
	...[CronJob, Deployment, HorizontalPodAutoscaler, NetworkPolicy, PodDisruptionBudget],
	...[ConfigMap, Namespace, Secret, Service, ServiceAccount],
	// These are the Prometheus Operator's.
	...[PrometheusRule, ScrapeConfig],
];

/**
 * Returns the violations of Kubernetes' schema in an object. The schemas accept unknown fields, which Kubernetes would
 * silently drop. An unknown field is one that the validator never reads.
 */
export function problems(thing: Manifest): string[] {
	const Kind = KINDS.find(({ apiVersion, kind }) => apiVersion === thing.apiVersion && kind === thing.kind);
	if (!Kind) {
		return [`no schema for ${thing.apiVersion} ${thing.kind}`];
	}
	const known = new Set<string>();
	try {
		// `new Kind(thing)` would copy the object and thereby read every field.
		Kind.prototype.validate.call(watched(thing, "", known) as never);
	} catch (error) {
		return [(error as Error).message];
	}
	return paths(thing, "")
		.filter((path) => !known.has(path))
		.map((path) => `unknown field ${path}`);
}

function watched(value: unknown, path: string, known: Set<string>): unknown {
	if (typeof value !== "object" || value === null) {
		return value;
	}
	return new Proxy(value, {
		get(target, key) {
			const found = Reflect.get(target, key);
			if (typeof key === "symbol" || !Object.hasOwn(target, key)) {
				return found;
			}
			known.add(`${path}/${key}`);
			return watched(found, `${path}/${key}`, known);
		},
	});
}

function paths(value: unknown, path: string): string[] {
	if (typeof value !== "object" || value === null) {
		return [];
	}
	return Object.entries(value).flatMap(([key, inner]) => [
		`${path}/${key}`,
		...paths(inner, `${path}/${key}`),
	]);
}
