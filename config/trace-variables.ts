import { address, httpHeaders, keyValues, matches, milliseconds, oneOf, type Variable } from "./checks.ts";

/** Protocols of OTLP that are available, and samplers by their names in OpenTelemetry. */
const OTLP_PROTOCOLS = ["http/protobuf", "http/json"];
const SAMPLERS = ["always_on", "always_off", "traceidratio"].flatMap((name) => [name, `parentbased_${name}`]);

/** The variables of traces, by the names and meanings of OpenTelemetry. */
export const TRACE_VARIABLES = {
	OTEL_EXPORTER_OTLP_ENDPOINT: {
		meaning:
			"Server that takes traces by OTLP over HTTP, such as a collector; `/v1/traces` is appended to its path.",
		unset: "nothing is traced",
		...address(/^https?:$/, "http://127.0.0.1:4318"),
	},
	OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: {
		meaning: "The same as a whole address, to which nothing is appended.",
		unset: "`OTEL_EXPORTER_OTLP_ENDPOINT`",
		...address(/^https?:$/, "http://127.0.0.1:4318/v1/traces"),
	},
	OTEL_EXPORTER_OTLP_PROTOCOL: {
		meaning: "Protocol of the export.",
		default: "http/protobuf",
		...oneOf(OTLP_PROTOCOLS),
	},
	OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: {
		meaning: "The same, for traces only.",
		unset: "`OTEL_EXPORTER_OTLP_PROTOCOL`",
		...oneOf(OTLP_PROTOCOLS),
	},
	OTEL_EXPORTER_OTLP_HEADERS: {
		meaning: "Headers of the export, such as credentials.",
		unset: "none",
		...httpHeaders("authorization=Bearer%20TOKEN"),
		isPrivate: true,
	},
	OTEL_EXPORTER_OTLP_TRACES_HEADERS: {
		meaning: "Further headers, for traces only.",
		unset: "none",
		...httpHeaders("authorization=Bearer%20TOKEN"),
		isPrivate: true,
	},
	OTEL_EXPORTER_OTLP_TIMEOUT: {
		meaning: "Time limit for an export in milliseconds.",
		...milliseconds(10_000),
	},
	OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: {
		meaning: "The same, for traces only.",
		unset: "`OTEL_EXPORTER_OTLP_TIMEOUT`",
		allowed: milliseconds(10_000).allowed,
		accepts: milliseconds(10_000).accepts,
	},
	OTEL_EXPORTER_OTLP_COMPRESSION: {
		meaning: "Compression of the export.",
		default: "none",
		...oneOf(["none", "gzip"]),
	},
	OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: {
		meaning: "The same, for traces only.",
		unset: "`OTEL_EXPORTER_OTLP_COMPRESSION`",
		...oneOf(["none", "gzip"]),
	},
	OTEL_TRACES_SAMPLER: {
		meaning:
			"Traces that are sampled. Samplers that begin with `parentbased_` leave the decision to the trusted proxy that has sent a `traceparent`. " +
			"Traces of requests that failed are exported in any case.",
		default: "parentbased_always_on",
		...oneOf(SAMPLERS),
	},
	OTEL_TRACES_SAMPLER_ARG: {
		meaning: "Share of the traces that samplers named `traceidratio` sample.",
		default: "1",
		allowed: "a number from 0 to 1, such as 0.01",
		accepts: (given) => /^(\d+\.?\d*|\.\d+)$/.test(given) && Number(given) <= 1,
	},
	OTEL_SERVICE_NAME: {
		meaning: "Name of the processes in traces.",
		unset: "the service that a process hosts, `toko` for several, or `delivery-worker`",
		allowed: "any text",
	},
	OTEL_RESOURCE_ATTRIBUTES: {
		meaning: "Attributes of the processes in traces.",
		unset: "none",
		...keyValues("deployment.environment.name=production"),
	},
	OTEL_TRACES_EXPORTER: {
		meaning: "`none` traces nothing.",
		default: "otlp",
		...oneOf(["otlp", "none"]),
	},
	OTEL_BSP_SCHEDULE_DELAY: {
		meaning: "Maximum time in milliseconds that a span waits to be exported.",
		...milliseconds(5000),
	},
	OTEL_BSP_MAX_QUEUE_SIZE: {
		meaning: "Number of spans of a process that may wait to be exported; further ones are dropped.",
		...numberOfSpans(8192),
	},
	OTEL_BSP_MAX_EXPORT_BATCH_SIZE: {
		meaning:
			"Maximum number of spans in a request to the endpoint; at most a quarter of those that may wait.",
		...numberOfSpans(2048),
	},
	OTEL_SDK_DISABLED: {
		meaning: "`true` traces nothing.",
		default: "false",
		allowed: "true or false",
		accepts: matches(/^(true|false)$/i),
	},
} satisfies Record<string, Variable>;

function numberOfSpans(count: number) {
	return {
		default: String(count),
		allowed: "a whole number from 1 to 1000000",
		accepts: (given: string) => /^[1-9]\d{0,6}$/.test(given) && Number(given) <= 1_000_000,
	};
}
