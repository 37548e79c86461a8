import { describe, expect, test } from "@jest/globals";
import { SpanKind, SpanStatusCode, TraceFlags } from "@opentelemetry/api";
import { JsonTraceSerializer, ProtobufTraceSerializer } from "@opentelemetry/otlp-transformer";
import { resourceFromAttributes } from "@opentelemetry/resources";
import type { ReadableSpan } from "@opentelemetry/sdk-trace";
import fc from "fast-check";
import { nanoseconds } from "../../observability/otlp/encoding.ts";
import { encodingOf } from "../../observability/otlp/protocols.ts";
import {
	type Attributes,
	type EndedSpan,
	LocalTrace,
	OperationSpan,
	RequestSpan,
	Span,
	type SpanContext,
	type SpanKind as SpanKindName,
	type TraceExporter,
} from "../../observability/spans.ts";

// Both encodings are compared with OpenTelemetry's own serializers.

const KINDS: Record<SpanKindName, SpanKind> = {
	internal: SpanKind.INTERNAL,
	server: SpanKind.SERVER,
	client: SpanKind.CLIENT,
	producer: SpanKind.PRODUCER,
	consumer: SpanKind.CONSUMER,
};

const hex = (digits: number) =>
	fc
		.array(fc.integer({ min: 0, max: 15 }), { minLength: digits, maxLength: digits })
		.map((values) => values.map((value) => value.toString(16)).join(""));
const context: fc.Arbitrary<SpanContext> = fc.record({
	trace_id: hex(32),
	span_id: hex(16),
	isSampled: fc.boolean(),
});
const half = fc.integer({ min: 0xd800, max: 0xdfff }).map((code) => String.fromCharCode(code));
const text = fc.oneof(
	fc.string({ unit: "grapheme", maxLength: 300, size: "max" }),
	fc.string({
		unit: fc.oneof(half, fc.string({ unit: "binary", minLength: 1, maxLength: 1 })),
		maxLength: 20,
	}),
);
const attributes: fc.Arbitrary<Attributes> = fc.dictionary(
	text.filter((name) => name !== "" && name !== "__proto__"),
	fc.oneof(text, fc.boolean(), fc.maxSafeInteger(), fc.double({ noNaN: true, min: -1e18, max: 1e18 })),
	{ maxKeys: 6 },
);

const spans: fc.Arbitrary<EndedSpan> = fc
	.record({
		...{ own: context, parent: fc.option(context, { nil: undefined }), name: text, attributes },
		kind: fc.constantFrom(...(Object.keys(KINDS) as SpanKindName[])),
		links: fc.array(context, { maxLength: 3 }),
		begun: fc.double({ min: 0, max: 1e9, noNaN: true }),
		duration: fc.double({ min: 0, max: 1e7, noNaN: true }),
		error_type: fc.option(text, { nil: undefined }),
		hasFailed: fc.boolean(),
		isFrozen: fc.boolean(),
		isOperation: fc.boolean(),
	})
	.map(({ own, parent, begun, duration, error_type, hasFailed, isFrozen, isOperation, ...options }) => {
		const attributes = isFrozen ? Object.freeze(options.attributes) : options.attributes;
		const end = { ended: begun + duration, error_type, hasFailed };
		if (parent && isOperation) {
			return new OperationSpan(newTrace(own), parent, { ...options, attributes, begun, ...end });
		}
		return Object.assign(new Span(newTrace(own), parent, { ...options, attributes, begun }), end);
	});

const ID: SpanContext = { trace_id: "ab".repeat(16), span_id: "cd".repeat(8), isSampled: true };
const SCOPE = { name: "toko" };

function newTrace(own: SpanContext): LocalTrace {
	return new LocalTrace(own, {} as TraceExporter, () => undefined);
}

/** Returns the same span in the form of OpenTelemetry's SDK. */
function readable(span: EndedSpan, resource: ReadableSpan["resource"]): ReadableSpan {
	const { attributes: own, error_type, parent } = span;
	return {
		name: span.name,
		kind: KINDS[span.kind],
		attributes: error_type === undefined ? own : { ...own, "error.type": error_type },
		resource,
		instrumentationScope: SCOPE,
		spanContext: () => contextOf({ trace_id: span.trace_id, span_id: span.span_id, isSampled: true }),
		...(parent ? { parentSpanContext: contextOf(parent) } : {}),
		startTime: time(nanoseconds(span, span.begun)),
		endTime: time(nanoseconds(span, span.ended as number)),
		duration: [0, 0],
		status: { code: span.hasFailed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
		links: span.links.map((link) => ({ context: contextOf(link) })),
		events: [],
		ended: true,
		droppedAttributesCount: 0,
		droppedEventsCount: 0,
		droppedLinksCount: 0,
	};
}

function contextOf({ trace_id, span_id, isSampled }: SpanContext) {
	return {
		traceId: trace_id,
		spanId: span_id,
		traceFlags: isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
		isRemote: true,
	};
}

function hexOf(text: string): string {
	return Buffer.from(text).toString("hex");
}

function time(nanos: number): [number, number] {
	const all = BigInt(nanos);
	return [Number(all / 1_000_000_000n), Number(all % 1_000_000_000n)];
}

describe.each([
	["http/protobuf", ProtobufTraceSerializer, (body: Uint8Array) => Buffer.from(body).toString("hex")],
	["http/json", JsonTraceSerializer, (body: Uint8Array) => JSON.parse(Buffer.from(body).toString())],
] as const)("%s", (protocol, serializer, contentOf) => {
	const expectSame = (all: readonly EndedSpan[], attributes: Attributes) => {
		const encoding = encodingOf(protocol);
		const batch = encoding.newBatch();
		for (const span of all) {
			batch.add(span);
		}
		const resource = resourceFromAttributes(attributes);
		const expected = serializer.serializeRequest(all.map((span) => readable(span, resource)));
		expect(contentOf(encoding.request(attributes, batch.take()))).toEqual(contentOf(expected as Uint8Array));
	};

	test("is the same as of OpenTelemetry's serializer, for any spans", () => {
		fc.assert(fc.property(fc.array(spans, { minLength: 1, maxLength: 20 }), attributes, expectSame));
	});

	test("is the same for more than fits in the first buffer", () => {
		const all = Array.from({ length: 400 }, (_, number) => {
			const attributes = { "db.query.text": "SELECT 1 ".repeat(number) };
			return Object.assign(new Span(newTrace(ID), ID, { name: "SELECT", kind: "client", attributes }), {
				ended: 5,
			});
		});
		expectSame(all, { "service.name": "orders" });
	});

	test("is not changed by a span that cannot be encoded", () => {
		const batch = encodingOf(protocol).newBatch();
		const failing = {
			get broken(): string {
				throw new Error("no attributes");
			},
		};
		expect(() =>
			batch.add(new Span(newTrace(ID), undefined, { name: "GET", kind: "server", attributes: failing })),
		).toThrow("no attributes");
		expect(batch.take()).toEqual(encodingOf(protocol).newBatch().take());
	});

	test("is the same for attributes that spans share", () => {
		const shared = Object.freeze({ "http.route": "/api/v1/products/:id", "http.response.status_code": 200 });
		const all = [1, 2, 3].map((begun) => {
			const options = { name: "GET", kind: "server", attributes: shared, begun } as const;
			return Object.assign(new Span(newTrace(ID), undefined, options), { ended: 5 });
		});
		expectSame(all, { "service.name": "api" });
	});

	test("is the same for requests without parts, which have ids of their own or the trace of their parent", () => {
		const request = { name: "GET /api/v1/products/:id", attributes: Object.freeze({ "http.route": "/" }) };
		const all = [undefined, undefined, ID].map((parent) => new RequestSpan(parent, [ID], request, 1, 5));
		expectSame(all, { "service.name": "api" });
		const [first, second, third] = all.map(({ trace_id, span_id }) => [trace_id, span_id]);
		expect(first).toEqual([expect.stringMatching(/^[0-9a-f]{32}$/), expect.stringMatching(/^[0-9a-f]{16}$/)]);
		expect(second).not.toEqual(first);
		expect(third?.[0]).toBe(ID.trace_id);
	});
});

test.each([
	["http/protobuf", "", 0, ""],
	["http/protobuf", "0a00", 0, ""],
	// Field 1: 300 spans (08 ac02), and "full" (12 04 …); a field that is not known precedes it.
	["http/protobuf", "2a0130" + "0a09" + "08ac02" + "120466756c6c", 300, "full"],
	["http/protobuf", "0a0b08ffffffffffffffffff01", -1, ""],
	// Fields of other types: twelve line breaks, and a text where a number belongs.
	["http/protobuf", "0a".repeat(12), 0, ""],
	["http/protobuf", "0a040a026162", 0, ""],
	["http/json", hexOf("{}"), 0, ""],
	["http/json", hexOf('{"partialSuccess":null}'), 0, ""],
	["http/json", hexOf('{"partialSuccess":{"rejectedSpans":"300","errorMessage":"full"}}'), 300, "full"],
	["http/json", hexOf('{"partialSuccess":{"rejectedSpans":300}}'), 300, ""],
])("reads what an endpoint has rejected (%s, %s)", (protocol, response, spans, message) => {
	expect(encodingOf(protocol).rejection(Buffer.from(response, "hex"))).toEqual({ spans, message });
});

test("times are nanoseconds since 1970, and a parent of this process is not remote", () => {
	const batch = encodingOf("http/json").newBatch();
	const begun = performance.now();
	const local = newTrace(ID);
	const root = new Span(local, undefined, { name: "GET", kind: "server", begun });
	const part = Object.assign(new Span(local, root, { name: "SELECT", kind: "client", begun }), {
		ended: begun + 2,
	});
	batch.add(part);
	const [{ startTimeUnixNano, endTimeUnixNano, parentSpanId, flags }] = JSON.parse(
		Buffer.from(batch.take()).toString(),
	);
	expect(Math.abs(Number(startTimeUnixNano) / 1e6 - Date.now())).toBeLessThan(60_000);
	expect(Number(BigInt(endTimeUnixNano) - BigInt(startTimeUnixNano)) / 1e6).toBeCloseTo(2, 2);
	expect([parentSpanId, flags]).toEqual([root.span_id, 257]);
});
