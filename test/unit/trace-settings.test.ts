import { describe, expect, test } from "@jest/globals";
import { readSettings } from "../../config/settings.ts";

describe("a setting of traces", () => {
	test.each([
		["OTEL_TRACES_SAMPLER_ARG", "7", "a number from 0 to 1, such as 0.01"],
		["OTEL_TRACES_SAMPLER_ARG", "-1", "a number from 0 to 1, such as 0.01"],
		["OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "one of http/protobuf, http/json"],
		[
			"OTEL_TRACES_SAMPLER",
			"sometimes",
			"one of always_on, parentbased_always_on, always_off, parentbased_always_off, traceidratio, parentbased_traceidratio",
		],
		["OTEL_SDK_DISABLED", "yes", "true or false"],
		["OTEL_EXPORTER_OTLP_TIMEOUT", "10s", "a whole number of milliseconds from 1 to 3600000, such as 10000"],
		["OTEL_RESOURCE_ATTRIBUTES", "production", "pairs such as"],
		["OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%0Ax", "pairs such as authorization=Bearer%20TOKEN"],
		[
			"OTEL_EXPORTER_OTLP_HEADERS",
			"authorization=Bearer%20x%0A",
			"pairs such as authorization=Bearer%20TOKEN",
		],
		["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a%20b=c", "pairs such as authorization=Bearer%20TOKEN"],
	])("%s=%s is refused with the allowed values", (name, value, allowed) => {
		expect(() => readSettings({ [name]: value })).toThrow(`${name} must be ${allowed}`);
	});

	test.each([
		[{}, undefined],
		[{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:4318" }, "http://127.0.0.1:4318/v1/traces"],
		[{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://otel.example/x/" }, "http://otel.example/x/v1/traces"],
		[
			{ OTEL_EXPORTER_OTLP_ENDPOINT: "https://otel.example/x?key=1" },
			"https://otel.example/x/v1/traces?key=1",
		],
		[{ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://otel.example/t" }, "http://otel.example/t"],
		[{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://otel.example", OTEL_SDK_DISABLED: "TRUE" }, undefined],
		[{ OTEL_EXPORTER_OTLP_ENDPOINT: "http://otel.example", OTEL_TRACES_EXPORTER: "none" }, undefined],
	])("%j exports traces to %s", (environment, url) => {
		expect(readSettings(environment).tracesUrl).toBe(url);
	});

	test.each(["authorization=Basic%20dXNlcg==,x = 1", "a=b;€", "a%20b="])(
		"OTEL_EXPORTER_OTLP_HEADERS=%s is taken, as by OpenTelemetry",
		(value) => {
			expect(() => readSettings({ OTEL_EXPORTER_OTLP_HEADERS: value })).not.toThrow();
		},
	);

	test("may hold a secret, which is not repeated", () => {
		const environment = { OTEL_EXPORTER_OTLP_HEADERS: "rahasia", OTEL_EXPORTER_OTLP_ENDPOINT: "rahasia" };
		for (const [name, value] of Object.entries(environment)) {
			expect(() => readSettings({ [name]: value })).toThrow(new RegExp(`^${name} must be (?!.*rahasia)`));
		}
	});
});
