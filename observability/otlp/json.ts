import type { Attributes, EndedSpan, SpanContext } from "../spans.ts";
import {
	flagsBelow,
	flagsOf,
	isInt64,
	KINDS,
	nanoseconds,
	type OtlpEncoding,
	SCOPE,
	STATUS,
} from "./encoding.ts";

/** OTLP in JSON. */
export const json: OtlpEncoding = {
	contentType: "application/json",

	newBatch() {
		let spans: string[] = [];
		return {
			add: (span) => spans.push(JSON.stringify(spanOf(span))),
			take() {
				const text = `[${spans.join(",")}]`;
				spans = [];
				return new TextEncoder().encode(text);
			},
		};
	},

	request(resource, spans) {
		const head = JSON.stringify({ attributes: attributesIn(resource), droppedAttributesCount: 0 });
		const scope = JSON.stringify({ name: SCOPE });
		return Buffer.concat([
			Buffer.from(`{"resourceSpans":[{"resource":${head},"scopeSpans":[{"scope":${scope},"spans":`),
			spans,
			Buffer.from("}]}]}"),
		]);
	},

	rejection(response) {
		const { partialSuccess } = JSON.parse(Buffer.from(response).toString()) as Response;
		return {
			spans: Number(partialSuccess?.rejectedSpans ?? 0),
			message: String(partialSuccess?.errorMessage ?? ""),
		};
	},
};

/** Body of a response. Numbers of 64 bits may be texts. */
interface Response {
	partialSuccess?: { rejectedSpans?: string | number; errorMessage?: string } | null;
}

function spanOf(span: EndedSpan): object {
	const { trace_id, span_id, parent, name, kind, begun, ended, error_type, links, hasFailed } = span;
	const attributes = attributesIn(span.attributes);
	if (error_type !== undefined) {
		attributes.push(attribute("error.type", error_type));
	}
	return {
		traceId: trace_id,
		spanId: span_id,
		parentSpanId: parent?.span_id,
		name,
		kind: KINDS[kind],
		startTimeUnixNano: String(BigInt(nanoseconds(span, begun))),
		endTimeUnixNano: String(BigInt(nanoseconds(span, ended as number))),
		attributes,
		droppedAttributesCount: 0,
		events: [],
		droppedEventsCount: 0,
		status: { code: hasFailed ? STATUS.error : STATUS.unset },
		links: links.map(linkOf),
		droppedLinksCount: 0,
		flags: flagsBelow(parent),
	};
}

function linkOf(link: SpanContext): object {
	return {
		attributes: [],
		spanId: link.span_id,
		traceId: link.trace_id,
		droppedAttributesCount: 0,
		flags: flagsOf(link),
	};
}

function attributesIn(attributes: Attributes): object[] {
	return Object.entries(attributes).map(([name, value]) => attribute(name, value));
}

function attribute(key: string, value: Attributes[string]): object {
	if (typeof value === "string") {
		return { key, value: { stringValue: value } };
	}
	if (typeof value === "boolean") {
		return { key, value: { boolValue: value } };
	}
	return { key, value: isInt64(value) ? { intValue: value } : { doubleValue: value } };
}
