import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { nodes } from "./nodes.ts";
import { order } from "./order.ts";
import { services } from "./services.ts";
import { shop } from "./shop.ts";
import { stores } from "./stores.ts";

/** Returns all dashboards. */
export function dashboards(): (Dashboard & { uid: string })[] {
	return [shop, services, stores, nodes, order].map((one) => one.build() as Dashboard & { uid: string });
}
