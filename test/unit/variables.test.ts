import { readFile } from "node:fs/promises";
import { expect, test } from "@jest/globals";
import { COMPOSE_VARIABLES, VARIABLES } from "../../config/variables.ts";

const root = new URL("../../", import.meta.url);
const example = await readFile(new URL(".env.example", root), "utf8");
const compose = await readFile(new URL("docker-compose.yml", root), "utf8");
const lines = new Map([...example.matchAll(/^# (\w+)=(.*)$/gm)].map(([, name, value]) => [name, value]));

test("every default value is an allowed one", () => {
	for (const [name, { default: value, accepts }] of Object.entries(VARIABLES)) {
		expect({ name, value, isAllowed: value === undefined || !accepts || accepts(value) }).toEqual({
			name,
			value,
			isAllowed: true,
		});
	}
});

test(".env.example lists every variable with its default", () => {
	for (const [name, { default: value }] of Object.entries(VARIABLES)) {
		expect({ name, value: lines.get(name) }).toEqual({ name, value: value ?? expect.any(String) });
	}
});

test(".env.example and docker-compose.yml have no other variables than those described", () => {
	const known = [...Object.keys(VARIABLES), ...Object.keys(COMPOSE_VARIABLES)];
	expect([...lines.keys()].sort()).toEqual([...known].sort());
	const used = [...compose.matchAll(/\$\{(\w+)/g)].map(([, name]) => name);
	expect(used.filter((name) => !known.includes(name as string))).toEqual([]);
});
