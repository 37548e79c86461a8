import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { ServiceBroker } from "moleculer";
import { askNats, askServices, type State } from "../broker/health.ts";
import { settings } from "../config/settings.ts";
import { StartError } from "../infra/backing-services.ts";

/** Body of `/health/ready` of a process. */
interface NodeReadiness {
	status: "ready" | "not_ready";
	node: string;
	services: Record<string, State | "starting" | "stopping">;
	reasons?: Record<string, string>;
}

/**
 * Serves `GET /health/live` and `/health/ready` of one process on a port of its own (`HEALTH_PORT`). The process is
 * ready while all of its services, their databases and NATS respond. It is not ready while it starts or stops. Other
 * processes have no effect.
 */
export class HealthServer {
	#broker: ServiceBroker;
	#names: readonly string[];
	#server: Server;
	#phase: "starting" | "started" | "stopping" = "starting";

	constructor(broker: ServiceBroker, names: readonly string[]) {
		this.#broker = broker;
		this.#names = names;
		this.#server = createServer((request, response) => {
			request.resume();
			if (request.method !== "GET" && request.method !== "HEAD") {
				response.writeHead(405, { allow: "GET, HEAD" }).end();
				return;
			}
			void this.#answer(request.url ?? "").then(([status, body]) => {
				response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
				response.end(request.method === "HEAD" ? undefined : JSON.stringify(body));
			});
		});
		// The server must not prevent the process from exiting.
		this.#server.unref();
	}

	/**
	 * Listens and returns the address.
	 *
	 * @throws StartError if the port is in use.
	 */
	async listen(): Promise<string> {
		const { host, healthPort } = settings;
		await new Promise<void>((resolve, reject) => {
			this.#server.once("error", (error: NodeJS.ErrnoException) => {
				const what = `cannot listen on ${host}:${healthPort} for /health (${error.code})`;
				reject(new StartError(`${what}: choose another port with HEALTH_PORT=, 0 for any free one`));
			});
			this.#server.listen(healthPort, host, resolve);
		});
		const { address, port, family } = this.#server.address() as AddressInfo;
		return `http://${family === "IPv6" ? `[${address}]` : address}:${port}`;
	}

	started(): void {
		this.#phase = "started";
	}

	stopping(): void {
		this.#phase = "stopping";
	}

	async #answer(url: string): Promise<[number, object]> {
		const path = url.split("?", 1)[0]?.replace(/\/+$/, "");
		if (path === "/health/live") {
			return [200, { status: "alive", node: this.#broker.nodeID }];
		}
		if (path === "/health/ready") {
			const readiness = await this.#readiness();
			return [readiness.status === "ready" ? 200 : 503, readiness];
		}
		return [404, { detail: "There are /health/live and /health/ready." }];
	}

	async #readiness(): Promise<NodeReadiness> {
		const node = this.#broker.nodeID;
		const phase = this.#phase;
		if (phase !== "started") {
			return {
				status: "not_ready",
				node,
				services: Object.fromEntries(this.#names.map((name) => [name, phase])),
			};
		}
		const [{ services: asked, reasons }, nats] = await Promise.all([
			askServices(this.#broker, this.#names, node),
			askNats(this.#broker),
		]);
		const services = { ...asked, nats };
		const isReady = Object.values(services).every((state) => state === "healthy");
		const status = isReady && this.#phase === "started" ? "ready" : "not_ready";
		return { status, node, services, ...(reasons && { reasons }) };
	}
}
