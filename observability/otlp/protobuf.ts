import { PbfReader, PbfWriter } from "pbf";
import type { Attributes, EndedSpan, SpanContext } from "../spans.ts";
import {
	flagsBelow,
	flagsOf,
	isInt64,
	KINDS,
	nanoseconds,
	type OtlpEncoding,
	type Rejection,
	SCOPE,
	STATUS,
} from "./encoding.ts";

// Numbers of fields are those of OpenTelemetry's trace.proto, common.proto and resource.proto. Fields are written as OpenTelemetry's own
// serializer writes them: in its order, and with counts that are zero.

/** Initial size of a batch, which grows as needed. */
const BATCH_BYTES = 131_072;

/** OTLP in protobuf. */
export const protobuf: OtlpEncoding = {
	contentType: "application/x-protobuf",

	newBatch() {
		const writer = new PbfWriter(new Uint8Array(BATCH_BYTES));
		return {
			add(span) {
				const start = writer.pos;
				try {
					writer.writeMessage(2, writeSpan, span);
				} catch (error) {
					writer.pos = start;
					throw error;
				}
			},
			take() {
				const spans = writer.buf.slice(0, writer.pos) as Uint8Array<ArrayBuffer>;
				writer.pos = 0;
				return spans;
			},
		};
	},

	request(resource, spans) {
		const writer = new PbfWriter(new Uint8Array(spans.length + 1024));
		writer.writeMessage(1, writeResourceSpans, { resource, spans });
		return writer.finish();
	},

	rejection: (response) => new PbfReader(response).readFields(readResponse, { spans: 0, message: "" }),
};

/** Types of fields. */
const [VARINT, BYTES] = [0, 2];

function readResponse(field: number, rejection: Rejection, reader: PbfReader): void {
	if (field === 1 && reader.type === BYTES) {
		reader.readMessage(readPartialSuccess, rejection);
	}
}

function readPartialSuccess(field: number, rejection: Rejection, reader: PbfReader): void {
	if (field === 1 && reader.type === VARINT) {
		rejection.spans = reader.readVarint(true);
	} else if (field === 2 && reader.type === BYTES) {
		rejection.message = reader.readString();
	}
}

function writeResourceSpans(
	{ resource, spans }: { resource: Attributes; spans: Uint8Array },
	writer: PbfWriter,
): void {
	writer.writeMessage(1, writeResource, resource);
	writer.writeMessage(2, writeScopeSpans, spans);
}

function writeResource(attributes: Attributes, writer: PbfWriter): void {
	writeAttributes(1, attributes, writer);
	writer.writeVarintField(2, 0);
}

function writeScopeSpans(spans: Uint8Array, writer: PbfWriter): void {
	writer.writeMessage(1, writeScope, SCOPE);
	writeEncoded(spans, writer);
}

function writeScope(name: string, writer: PbfWriter): void {
	writeText(1, name, writer);
}

function writeSpan(span: EndedSpan, writer: PbfWriter): void {
	writeId(1, span.trace_id, writer);
	writeId(2, span.span_id, writer);
	if (span.parent) {
		writeId(4, span.parent.span_id, writer);
	}
	writeText(5, span.name, writer);
	writer.writeVarintField(6, KINDS[span.kind]);
	writer.writeFixed64Field(7, nanoseconds(span, span.begun));
	writer.writeFixed64Field(8, nanoseconds(span, span.ended as number));
	writeSpanAttributes(span.attributes, writer);
	if (span.error_type !== undefined) {
		writer.writeMessage(9, writeAttribute, ["error.type", span.error_type]);
	}
	writer.writeVarintField(10, 0);
	writer.writeVarintField(12, 0);
	for (const link of span.links) {
		writer.writeMessage(13, writeLink, link);
	}
	writer.writeVarintField(14, 0);
	writer.writeMessage(15, writeStatus, span.hasFailed ? STATUS.error : STATUS.unset);
	writer.writeFixed32Field(16, flagsBelow(span.parent));
}

function writeLink(link: SpanContext, writer: PbfWriter): void {
	writeId(1, link.trace_id, writer);
	writeId(2, link.span_id, writer);
	writer.writeVarintField(5, 0);
	writer.writeFixed32Field(6, flagsOf(link));
}

function writeStatus(code: number, writer: PbfWriter): void {
	writer.writeVarintField(3, code);
}

const id = Buffer.alloc(16);
const [traceId, spanId] = [id.subarray(0, 16), id.subarray(0, 8)];

function writeId(field: number, hex: string, writer: PbfWriter): void {
	id.write(hex, "hex");
	writer.writeBytesField(field, hex.length === 32 ? traceId : spanId);
}

/** Encoded attributes of spans by object, for those that many spans share. */
const encoded = new WeakMap<Attributes, Uint8Array>();

/** Writes the attributes of a span. Frozen ones are encoded once. */
function writeSpanAttributes(attributes: Attributes, writer: PbfWriter): void {
	const known = encoded.get(attributes);
	if (known) {
		writeEncoded(known, writer);
		return;
	}
	const start = writer.pos;
	writeAttributes(9, attributes, writer);
	if (Object.isFrozen(attributes)) {
		encoded.set(attributes, writer.buf.slice(start, writer.pos));
	}
}

function writeAttributes(field: number, attributes: Attributes, writer: PbfWriter): void {
	for (const name in attributes) {
		writer.writeMessage(field, writeAttribute, [name, attributes[name] as Attributes[string]]);
	}
}

function writeAttribute([name, value]: [string, Attributes[string]], writer: PbfWriter): void {
	writeText(1, name, writer);
	writer.writeMessage(2, writeValue, value);
}

function writeValue(value: Attributes[string], writer: PbfWriter): void {
	if (typeof value === "string") {
		writeText(1, value, writer);
	} else if (typeof value === "boolean") {
		writer.writeBooleanField(2, value);
	} else if (isInt64(value)) {
		writer.writeVarintField(3, value);
	} else {
		writer.writeDoubleField(4, value);
	}
}

/** Halves of characters from U+10000 on: pbf (5.1.2) garbles those from U+20000 on, and drops a half without the other. */
const GARBLED = /[\ud800-\udfff]/;

function writeText(field: number, text: string, writer: PbfWriter): void {
	if (GARBLED.test(text)) {
		writer.writeBytesField(field, Buffer.from(text));
	} else {
		writer.writeStringField(field, text);
	}
}

/** Writes fields that are encoded already. */
function writeEncoded(fields: Uint8Array, writer: PbfWriter): void {
	writer.realloc(fields.length);
	writer.buf.set(fields, writer.pos);
	writer.pos += fields.length;
}
