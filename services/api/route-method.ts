import { httpRequests } from "../../observability/metrics.ts";
import type { DurationSeries } from "../../observability/series.ts";
import type { Attributes } from "../../observability/tracing.ts";
import type { Request } from "./gateway.ts";
import { endpoints } from "./routes.ts";

/** A method of a route, with what all its requests share in metrics, traces and logs. */
class RouteMethod {
	/** `_OTHER` for one that is not in `METHODS`. */
	readonly method: string;
	/** Pattern of the address, the same with and without a version; empty if nothing is there. */
	readonly route: string;
	/** Name of its spans. */
	readonly name: string;
	readonly #outcomes = new Map<number, Outcome>();

	constructor(method: string, route: string) {
		this.method = method;
		this.route = route;
		this.name = `${method === OTHER_METHOD ? "HTTP" : method} ${route}`;
	}

	/** Returns what its requests with this status share. */
	outcome(status: number): Outcome {
		const known = this.#outcomes.get(status);
		if (known) {
			return known;
		}
		const { method, route } = this;
		const outcome = {
			durations: httpRequests.series({ method, http_route: route, status: String(status) }),
			attributes: Object.freeze({
				"http.request.method": method,
				"http.route": route,
				"http.response.status_code": status,
			}),
		};
		this.#outcomes.set(status, outcome);
		return outcome;
	}
}

/** Parts of metrics and traces that requests with the same status share. */
interface Outcome {
	durations: DurationSeries;
	/** Attributes of their spans: frozen, so that their encoding is remembered. */
	attributes: Attributes;
}

const OTHER_METHOD = "_OTHER";
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

const routes = new Map<string, string>(
	[...endpoints(false), ...endpoints(true)].map(({ name, contract: { rest }, of }) => [
		name,
		rest.outermost ? rest.path : `/api/v${of.version}${rest.path}`,
	]),
);

/** By action or pattern, and method. */
const known = new Map<string, Map<string, RouteMethod>>();

/** Returns the method and route of a request whose action or alias is known, or for which there is none. */
export function routeMethodOf({ method = "", $action, $alias }: Request): RouteMethod {
	const place = $action ?? $alias?.fullPath ?? "";
	let byMethod = known.get(place);
	if (!byMethod) {
		byMethod = new Map();
		known.set(place, byMethod);
	}
	let found = byMethod.get(method);
	if (!found) {
		const name = METHODS.has(method) ? method : OTHER_METHOD;
		found = new RouteMethod(name, ($action && routes.get($action)) || $alias?.fullPath || "");
		// Node's parser knows some thirty methods, and refuses all others.
		byMethod.set(method, found);
	}
	return found;
}
