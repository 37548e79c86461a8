import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "@jest/globals";
import { findPrometheus, type PrometheusProgram } from "../../infra/prometheus.ts";
import { reason } from "../../infra/start-error.ts";
import { ONE_OF_EACH, ruleFile } from "../../monitoring/rules.ts";
import { notRun } from "../not-run.ts";
import { CASES, type Case } from "./alert-cases.ts";

// The rules, with promtool: the alerts fire on the series that they are meant for, and on no others.

const execute = promisify(execFile);
const repository = resolve(import.meta.dirname, "../..");
const folder = await mkdtemp(join(tmpdir(), "toko-rules-"));

const promtool = await findPrometheus(join(repository, ".toko"), "promtool").catch(reason);

afterAll(() => rm(folder, { recursive: true }));

/** Runs promtool; fails with its output. */
async function check(...args: string[]): Promise<string> {
	const [program, ...before] = (promtool as PrometheusProgram).command;
	const { stdout, stderr } = await execute(program, [...before, ...args]).catch((error) => {
		throw new Error(`${error.stdout}${error.stderr}`);
	});
	return stdout + stderr;
}

/** Writes a file as JSON, which is YAML. */
async function write(name: string, value: unknown): Promise<string> {
	const file = join(folder, name);
	await writeFile(file, JSON.stringify(value));
	return file;
}

/** Checks the alerts of each case. */
async function expectAlerts(
	alert: string,
	cases: (Case["quiet"][0] & Partial<Case["fires"][0]>)[],
): Promise<void> {
	// Without annotations, which promtool compares word by word: `promtool check rules` checks their templates.
	const groups = ruleFile(ONE_OF_EACH).groups.map(({ name, rules }) => ({
		name,
		rules: rules.map((rule) => ({ ...rule, annotations: undefined })),
	}));
	await write("rules.json", { groups });
	for (const [index, { series, at, labels = [], every = "1m" }] of cases.entries()) {
		const exp_alerts = labels.map((exp_labels) => ({ exp_labels }));
		const file = await write(`${alert}-${index}.json`, {
			rule_files: ["rules.json"],
			evaluation_interval: every,
			group_eval_order: groups.map(({ name }) => name),
			tests: [
				{
					interval: every,
					input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
					alert_rule_test: [{ eval_time: at, alertname: alert, exp_alerts }],
				},
			],
		});
		expect(await check("test", "rules", file)).toMatch(/SUCCESS/);
	}
}

if (typeof promtool === "string") {
	notRun("the rules, with promtool", promtool);
} else {
	test("Prometheus accepts its configuration and the rules", async () => {
		const ops = join(repository, "ops/observability");
		expect(await check("check", "config", join(ops, "prometheus.yml"))).toMatch(
			/SUCCESS: 1 rule files found/,
		);
		expect(await check("check", "rules", "--lint=all", "--lint-fatal", join(ops, "rules.yml"))).toMatch(
			/SUCCESS: \d+ rules found/,
		);
	});

	test("a rule with a mistake is refused", async () => {
		const file = await write("wrong.json", {
			groups: [{ name: "wrong", rules: [{ alert: "Wrong", expr: "sum(" }] }],
		});
		await expect(check("check", "rules", file)).rejects.toThrow(/parse error/);
	});

	test("an alert that does not fire is noticed", async () => {
		const series = { 'toko_dead_letters_kept{service="users"}': "0x5" };
		const labels = [{ service: "users", severity: "ticket" }];
		await expect(expectAlerts("DeadLetters", [{ series, at: "2m", labels }])).rejects.toThrow(/FAILED/);
	});

	test("every alert has cases", () => {
		const alerts = ruleFile(ONE_OF_EACH).groups.flatMap(({ rules }) =>
			rules.flatMap((rule) => ("alert" in rule ? [rule.alert] : [])),
		);
		expect(CASES.map(({ alert }) => alert).sort()).toEqual([...new Set(alerts)].sort());
	});

	describe.each(CASES)("$alert", ({ alert, fires, quiet }) => {
		test("fires", () => expectAlerts(alert, fires));
		test("is quiet otherwise", () => expectAlerts(alert, quiet));
	});
}
