import { buffer } from "node:stream/consumers";
import { gunzipSync } from "node:zlib";
import { expect, test } from "@jest/globals";
import { logAs } from "../../observability/log-context.ts";
import {
	droppedTraces,
	inChildSpan,
	inSpan,
	startTracing,
	stopTracing,
} from "../../observability/tracing.ts";
import { setVariables } from "../variables.ts";
import { eventually } from "./shop.ts";
import { endpoint, exportTo, lines, requests, servers, trace } from "./trace-endpoint.ts";

test("an endpoint that refuses traces costs one line, also over many batches", async () => {
	let batches = 0;
	const url = await endpoint((request, response) => {
		request.resume();
		batches++;
		response.writeHead(401).end();
	});
	await exportTo(url);
	await eventually("many refused batches", async () => {
		expect(await trace()).toBe("done");
		return batches > 20;
	});
	expect(lines).toEqual([
		`Traces are not exported to ${url}: it refuses them (HTTP 401): check the path, and OTEL_EXPORTER_OTLP_HEADERS`,
	]);
});

test("an endpoint that fails again after it has recovered is reported again", async () => {
	let status = 400;
	let batches = 0;
	const url = await endpoint((request, response) => {
		request.resume();
		batches++;
		response.writeHead(status, { "content-type": "application/json" }).end("{}");
	});
	await exportTo(url);
	for (const next of [200, 400]) {
		const before = batches;
		await eventually("some batches", async () => {
			await trace();
			return batches > before + 3;
		});
		status = next;
	}
	await eventually("the second line", async () => {
		await trace();
		return lines.length === 2;
	});
});

test("an endpoint that fails now and then, in changing ways, costs a line for each way", async () => {
	let batches = 0;
	const url = await endpoint((request, response) => {
		request.resume();
		response.writeHead([400, 200, 404, 200][batches++ % 4] as number).end("{}");
	});
	await exportTo(url);
	await eventually("many batches", async () => {
		await logAs({ requestID: "a-request" }, trace);
		return batches > 40;
	});
	expect(lines.length).toBeGreaterThan(0);
	expect(lines.length).toBeLessThanOrEqual(2);
	// The line belongs to no request.
	expect(requests).toEqual(lines.map(() => undefined));
});

test("an endpoint that is down or hangs does not delay the work, nor the end of the process", async () => {
	const closed = await endpoint(() => undefined);
	const [gone] = servers.splice(0);
	await new Promise((resolve) => gone?.close(resolve));
	const hanging = await endpoint((request) => void request.resume());
	for (const url of [closed, hanging]) {
		await exportTo(url);
		const begun = performance.now();
		for (let number = 0; number < 5000; number++) {
			await trace();
		}
		await stopTracing(200);
		expect(performance.now() - begun).toBeLessThan(9000);
	}
	expect(new Set(lines).size).toBeLessThanOrEqual(1);
});

test("more spans than fit in thirty requests are exported at the end", async () => {
	let received = 0;
	const url = await endpoint((request, response) => {
		let body = "";
		request.setEncoding("utf8").on("data", (chunk) => {
			body += chunk;
		});
		request.on("end", () => {
			received += body.split('"spanId"').length - 1;
			response.writeHead(200, { "content-type": "application/json" }).end("{}");
		});
	});
	setVariables({
		OTEL_EXPORTER_OTLP_ENDPOINT: url,
		OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
		OTEL_BSP_MAX_QUEUE_SIZE: "60000",
		OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "512",
	});
	await startTracing("test", (line) => lines.push(line));
	for (let number = 0; number < 25_000; number++) {
		await trace();
	}
	await stopTracing(60_000);
	expect(received).toBe(25_000);
	expect(lines).toEqual([]);
});

test.each([
	["OTEL_BSP_MAX_EXPORT_BATCH_SIZE", { OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "300" }, 300],
	["a quarter of OTEL_BSP_MAX_QUEUE_SIZE", { OTEL_BSP_MAX_QUEUE_SIZE: "4000" }, 1000],
	["2048 by default", {}, 2048],
])("a request has as many spans as %s", async (_, variables, size) => {
	const requests: number[] = [];
	const url = await endpoint(async (request, response) => {
		const { resourceSpans } = JSON.parse((await buffer(request)).toString());
		requests.push(resourceSpans[0].scopeSpans[0].spans.length);
		response.writeHead(200).end();
	});
	setVariables({
		OTEL_EXPORTER_OTLP_ENDPOINT: url,
		OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
		...variables,
	});
	await startTracing("test", (line) => lines.push(line));
	for (let number = 0; number <= size; number++) {
		await trace();
	}
	await stopTracing(60_000);
	expect(requests.toSorted((a, b) => a - b)).toEqual([1, size]);
});

test("a span that cannot be encoded costs one line, and others are exported", async () => {
	const names: string[] = [];
	const url = await endpoint(async (request, response) => {
		const { resourceSpans } = JSON.parse((await buffer(request)).toString());
		names.push(...resourceSpans[0].scopeSpans[0].spans.map(({ name }: { name: string }) => name));
		response.writeHead(200).end();
	});
	await exportTo(url);
	const attributes = {
		get broken(): string {
			throw new Error("not known");
		},
	};
	for (const given of [{}, { attributes }, {}, { attributes }, {}]) {
		const name = "attributes" in given ? "broken" : "whole";
		const work = () => inSpan(undefined, { name, kind: "internal", ...given }, async () => undefined);
		await logAs({ requestID: "a-request" }, work);
	}
	await stopTracing(60_000);
	expect(names).toEqual(["whole", "whole", "whole"]);
	expect(lines).toEqual(["A span cannot be exported (broken): not known"]);
	expect(requests).toEqual([undefined]);
});

test("an endpoint that resets connections or has no room is reported as such", async () => {
	const resetting = await endpoint((request) => request.socket.resetAndDestroy());
	const overloaded = await endpoint((request, response) => {
		request.resume();
		response.writeHead(429, { "retry-after": "3600" }).end();
	});
	for (const [url, cause] of [
		[resetting, /: it cannot be reached \((ECONNRESET|EPIPE)\); the shop goes on without$/],
		[overloaded, /: it is overloaded or away \(HTTP 429, 502, 503 or 504\); the shop goes on without$/],
	] as const) {
		lines.length = 0;
		await exportTo(url);
		await eventually("the line", async () => (await trace()) && lines.length > 0);
		await stopTracing(1);
		expect(lines).toEqual([expect.stringMatching(cause)]);
	}
});

test("an endpoint that responds byte by byte is reported after the time limit, and used again when it is well", async () => {
	let isWell = false;
	let [batches, dripping] = [0, 0];
	const url = await endpoint((request, response) => {
		request.resume();
		if (isWell) {
			batches++;
			response.writeHead(200).end();
			return;
		}
		dripping++;
		const drip = setInterval(() => response.write(" "), 50);
		response.on("close", () => clearInterval(drip));
	});
	setVariables({ OTEL_EXPORTER_OTLP_TIMEOUT: "200" });
	await exportTo(url);
	await eventually("more requests than there are at once", async () => (await trace()) && dripping > 16);
	expect(lines).toEqual([
		`Traces are not exported to ${url}: it does not take them in time; the shop goes on without`,
	]);
	isWell = true;
	await eventually("a batch", async () => (await trace()) && batches > 0);
});

test("a trace of more spans than may wait is dropped whole, and counted", async () => {
	let received = 0;
	const url = await endpoint((request, response) => {
		request.resume().on("end", () => {
			received++;
			response.writeHead(200).end();
		});
	});
	setVariables({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_BSP_MAX_QUEUE_SIZE: "3" });
	await startTracing("test", (line) => lines.push(line));
	const work = { name: "work", kind: "internal" } as const;
	await inSpan(undefined, work, async () => {
		for (let part = 0; part < 3; part++) {
			await inChildSpan(work, async () => undefined);
		}
	});
	expect(droppedTraces()).toBe(1);
	await stopTracing(60_000);
	expect(received).toBe(0);
});

test("traces that were dropped before the first response of the endpoint are reported after it", async () => {
	const answers: (() => void)[] = [];
	const url = await endpoint((request, response) => {
		request.resume();
		answers.push(() => response.writeHead(200).end());
	});
	setVariables({ OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_BSP_MAX_QUEUE_SIZE: "4" });
	await startTracing("test", (line) => lines.push(line));
	// Without a pause, so that the thread takes none of them meanwhile.
	await Promise.all(Array.from({ length: 50 }, trace));
	expect(droppedTraces()).toBeGreaterThan(0);
	expect(lines).toEqual([]);
	await eventually("a request", async () => answers.length > 0);
	for (const answer of answers) {
		answer();
	}
	await eventually("the line", async () => lines.length > 0);
	expect(lines).toEqual([
		expect.stringMatching(/^Traces are dropped: .* raise it, or lower OTEL_TRACES_SAMPLER_ARG$/),
	]);
});

test("exports are compressed where the endpoint wants it", async () => {
	const bodies: Buffer[] = [];
	const url = await endpoint(async (request, response) => {
		expect(request.headers["content-encoding"]).toBe("gzip");
		bodies.push(gunzipSync(await buffer(request)));
		response.writeHead(200).end();
	});
	setVariables({ OTEL_EXPORTER_OTLP_COMPRESSION: "gzip" });
	await exportTo(url);
	await trace();
	await stopTracing(60_000);
	expect(bodies.map((body) => JSON.parse(body.toString()))).toEqual([
		{ resourceSpans: [expect.objectContaining({ scopeSpans: expect.any(Array) })] },
	]);
});

test("spans that wait are exported at the end, in protobuf by default", async () => {
	const received: { type: string | undefined; bytes: number }[] = [];
	const url = await endpoint((request, response) => {
		let bytes = 0;
		request.on("data", (chunk) => {
			bytes += chunk.length;
		});
		request.on("end", () => {
			received.push({ type: request.headers["content-type"], bytes });
			response.writeHead(200).end();
		});
	});
	setVariables({ OTEL_EXPORTER_OTLP_ENDPOINT: url });
	await startTracing("test", (line) => lines.push(line));
	await trace();
	expect(received).toEqual([]);
	await stopTracing(60_000);
	expect(received).toEqual([{ type: "application/x-protobuf", bytes: expect.any(Number) }]);
	expect(received[0]?.bytes).toBeGreaterThan(50);
	expect(lines).toEqual([]);
});
