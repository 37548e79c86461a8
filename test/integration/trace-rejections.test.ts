import { json } from "node:stream/consumers";
import { expect, test } from "@jest/globals";
import { droppedTraces, lostSpans } from "../../observability/tracing.ts";
import { setVariables } from "../variables.ts";
import { eventually } from "./shop.ts";
import { endpoint, exportTo, lines, trace } from "./trace-endpoint.ts";

/** A response that rejects one span, in both encodings: `too long`, with a line separator. */
const REJECTING = {
	"http/json": '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too\\u2028long"}}',
	"http/protobuf": Buffer.from("0a0e0801120a746f6fe280a86c6f6e67", "hex"),
};
const PROTOCOLS = ["http/json", "http/protobuf"] as const;

test.each(PROTOCOLS)(
	"an endpoint that rejects spans costs one line with its reason (%s)",
	async (protocol) => {
		let batches = 0;
		const url = await endpoint((request, response) => {
			request.resume();
			batches++;
			response.writeHead(200).end(REJECTING[protocol]);
		});
		await exportTo(url, protocol);
		await eventually("many batches", async () => {
			await trace();
			return batches > 20;
		});
		expect(lines).toEqual([
			expect.stringMatching(
				/^http:\/\/127\.0\.0\.1:\d+ has rejected 1 of the \d+ spans of a request: too long$/,
			),
		]);
	},
);

test("rejected spans do not hide that the endpoint fails again", async () => {
	let isFailing = true;
	let batches = 0;
	const url = await endpoint((request, response) => {
		request.resume();
		batches++;
		response.writeHead(isFailing ? 400 : 200).end(isFailing ? "" : REJECTING["http/json"]);
	});
	await exportTo(url);
	for (const next of [false, true]) {
		const before = batches;
		await eventually("some batches", async () => {
			await trace();
			return batches > before + 10;
		});
		isFailing = next;
	}
	await eventually("the third line", async () => {
		await trace();
		return lines.length === 3;
	});
	expect(lines.map((line) => /refuses|rejected/.exec(line)?.[0])).toEqual(["refuses", "rejected", "refuses"]);
});

test.each(PROTOCOLS)(
	"successes whose body cannot be read cost no line, and let a later rejection cost one (%s)",
	async (protocol) => {
		let batches = 0;
		const unreadable = ["", "taken", "null", "\n".repeat(12)];
		const between = [...unreadable, ...unreadable, ...unreadable];
		const bodies = [REJECTING[protocol], ...between, REJECTING[protocol]];
		const url = await endpoint((request, response) => {
			request.resume();
			response.writeHead(200).end(bodies[batches % bodies.length]);
			batches++;
		});
		await exportTo(url, protocol);
		await eventually("the first line again", async () => {
			await trace();
			return lines.length === 2;
		});
		expect(batches).toBeGreaterThan(between.length);
		expect(new Set(lines.map((line) => line.replace(/of the \d+ spans/, ""))).size).toBe(1);
	},
);

test("spans that are not exported are counted once, by reason", async () => {
	let mode: "take" | "fail" | "reject" | "wait" = "take";
	let [begun, taken, batches] = [0, 0, 0];
	const url = await endpoint(async (request, response) => {
		const now = mode;
		const { resourceSpans } = (await json(request)) as {
			resourceSpans: [{ scopeSpans: [{ spans: unknown[] }] }];
		};
		const spans = resourceSpans[0].scopeSpans[0].spans.length;
		batches++;
		if (now === "take" || now === "reject") {
			const rejectedSpans = now === "reject" ? spans : 0;
			taken += spans - rejectedSpans;
			response.writeHead(200).end(JSON.stringify({ partialSuccess: { rejectedSpans } }));
		} else if (now === "fail") {
			response.writeHead(400).end();
		}
	});
	setVariables({ OTEL_EXPORTER_OTLP_TIMEOUT: "2000" });
	await exportTo(url);
	for (mode of ["take", "fail", "reject", "wait"] as const) {
		const before = batches;
		await eventually("some batches", async () => {
			begun++;
			await trace();
			return batches > before + 5;
		});
	}
	const isComplete = ({ failed, rejected, queue }: ReturnType<typeof lostSpans>) =>
		taken + failed + rejected + queue + droppedTraces() === begun;
	await eventually("each span to be exported or counted", async () => isComplete(lostSpans()));
	const { failed, rejected } = lostSpans();
	expect({ taken: taken > 4, failed: failed > 8, rejected: rejected > 4 }).toEqual({
		...{ taken: true, failed: true, rejected: true },
	});
});
