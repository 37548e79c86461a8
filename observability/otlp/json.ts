import type { Attributes, EndedSpan, SpanContext } from "../spans.ts";
import { attributesOf, flagsOf, KINDS, nanoseconds, type OtlpEncoding, SCOPE, STATUS } from "./encoding.ts";

/** OTLP in JSON. */
export const json: OtlpEncoding = {
	contentType: "application/json",

	newBatch() {
		const spans: object[] = [];
		return {
			add: (span) => spans.push(spanOf(span)),
			finish: () => new TextEncoder().encode(JSON.stringify(spans)),
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
};

function spanOf(span: EndedSpan): object {
	const { trace_id, span_id, parent, name, kind, begun, ended, error_type, links, hasFailed } = span;
	const attributes = attributesIn(attributesOf(span));
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
		flags: flagsOf(true),
	};
}

function linkOf({ trace_id, span_id, isSampled }: SpanContext): object {
	return {
		attributes: [],
		spanId: span_id,
		traceId: trace_id,
		droppedAttributesCount: 0,
		flags: flagsOf(isSampled),
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
	return { key, value: Number.isInteger(value) ? { intValue: value } : { doubleValue: value } };
}
