import {
	cleanUp,
	client,
	newFolder,
	type Request,
	readyAddress,
	run,
	signUp,
	until,
} from "../shop-process.ts";
import { dashboardFigures, type Figures, type Query } from "./dashboard-figures.ts";
import { collectSpans, type Span } from "./otlp-spans.ts";
import { tracePicture } from "./trace-picture.ts";

/** Time of trade whose figures are shown. */
const TRADE_MS = 60_000;
/** Pause between two orders. */
const PAUSE_MS = 100;

/** Figures and spans of a run that the documents show. */
export interface Pictures {
	/** SVG. */
	trace: string;
	figures: Figures[];
}

/** Runs a cluster with a process for each service, places an order for its trace, then trades for the figures of the dashboards. */
export async function takePictures(log: (line: string) => void): Promise<Pictures> {
	const collected = await collectSpans();
	const folder = newFolder();
	try {
		log("starting a cluster");
		const cluster = run(folder, ["cluster"], {
			...{ ADMIN_PASSWORD: "rahasia-sekali", AUDIT_EVERY: "10s" },
			OTEL_EXPORTER_OTLP_ENDPOINT: collected.url,
			OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
			OTEL_BSP_SCHEDULE_DELAY: "50",
		});
		const request = client(await readyAddress(cluster));
		const observing = run(folder, ["observe"]);
		const prometheus = await readyAddress(observing);
		const token = await signUp(request, "budi");
		const { body: products } = await request("GET", "/api/v1/products?limit=20&in_stock=true");
		const ids = products.map(({ id }: { id: string }) => id);
		// The first order also opens connections.
		await trade(request, token, ids[0]);
		await trade(request, token, ids[1]);
		const trace = tracePicture(await traceOfOrder(collected.spans, request, token, ids[2]));
		log("drew the trace of an order; trading for a minute");
		const begun = Date.now() / 1000;
		for (let turn = 0; Date.now() / 1000 < begun + TRADE_MS / 1000; turn++) {
			const pause = new Promise((wake) => setTimeout(wake, PAUSE_MS));
			await trade(request, token, ids[turn % ids.length]);
			await pause;
		}
		return { trace, figures: await dashboardFigures(querying(prometheus, begun)) };
	} finally {
		collected.close();
		await cleanUp();
	}
}

async function trade(request: Request, token: string, product_id: string): Promise<void> {
	await request("GET", `/api/v1/products/${product_id}`);
	const items = [{ product_id, quantity: 1 }];
	const { status, body: order } = await request("POST", "/api/v1/orders", { token, body: { items } });
	// A product may be sold out.
	if (status === 201) {
		await request("POST", `/api/v1/orders/${order.id}/pay`, { token });
	}
}

/** Places an order, and returns its spans once its mail was sent. */
async function traceOfOrder(
	spans: readonly Span[],
	request: Request,
	token: string,
	product_id: string,
): Promise<Span[]> {
	await until("the mails before", () => spans.filter(({ name }) => name === "send mail").length >= 5);
	const known = spans.length;
	const items = [{ product_id, quantity: 1 }];
	await request("POST", "/api/v1/orders", { token, body: { items } });
	const ofOrder = () => {
		const root = spans.slice(known).find(({ name }) => name === "POST /api/v1/orders");
		return spans.filter(({ traceId }) => traceId === root?.traceId);
	};
	await until("its mail", () => ofOrder().some(({ name }) => name === "send mail"));
	await until("all parents", () => {
		const ids = new Set(ofOrder().map(({ spanId }) => spanId));
		return ofOrder().every(({ parentSpanId = "" }) => parentSpanId === "" || ids.has(parentSpanId));
	});
	return ofOrder();
}

/** Returns queries of a Prometheus over the time since `begun`, in seconds. */
function querying(prometheus: string, begun: number): Query {
	return async (query) => {
		const range = { query, start: String(begun), end: String(Date.now() / 1000), step: "2" };
		const response = await fetch(`${prometheus}/api/v1/query_range?${new URLSearchParams(range)}`);
		const { data, error } = (await response.json()) as { data: { result: never[] }; error?: string };
		if (error) {
			throw new Error(`${query}: ${error}`);
		}
		return data.result;
	};
}
